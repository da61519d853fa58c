import { readFileSync } from 'node:fs';
import { releasesIn } from './changes/earlier-records.ts';
import { type CheckFlags, ConfigurationError, configure, type Invocation } from './config/configure.ts';
import { help } from './config/help.ts';
import type { Settings } from './config/options.ts';
import { rulesInForce } from './config/rules.ts';
import { type Log, openLog } from './serve/log.ts';
import { delayed, endingSignals, REQUESTS_MILLISECONDS, terminationSignal } from './serve/shutdown.ts';
import { serveOverStdio } from './serve/stdio.ts';
import type { Dependencies } from './server.ts';
import { openAuditLog } from './start/audit-log.ts';
import {
  clockOfEc2,
  ec2Target,
  monotonic,
  once,
  openEc2,
  simulatedClock,
  startSimulator,
} from './start/aws.ts';
import { openConfirmation } from './start/confirmation.ts';
import { approvalRuleOf, policyOf, rulesOf, tableOf } from './start/rules.ts';
import { openState } from './start/state.ts';
import { openTargets, withTargets } from './start/targets.ts';
import { limitYoungGeneration } from './start/young-generation.ts';
import type { Logger } from './vocabulary/logger.ts';
import { onAbort } from './vocabulary/on-abort.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Seconds of a request's time that remain for the answer after a wait has ended. */
const ANSWER_SECONDS = 15;

// Not awaited here: in dist every part that it loads imports this file, and would wait for itself.
void main();

async function main(): Promise<void> {
  const invocation = readInvocation();
  if (invocation.command === 'help') return print(help(invocation.of, process.stdout.columns));
  if (invocation.command === 'version') return print(`${version}\n`);
  if (invocation.command === 'iam-policy') return printPolicy(invocation.settings);
  if (invocation.command === 'state-table') {
    const { tableTemplate } = await import('./state-table/template.ts');
    return print(json(tableTemplate(invocation.settings.stateTable ?? 'nat-gateway-mcp')));
  }
  if (invocation.command === 'check') return check(invocation);
  const log = openLog(invocation.settings.logLevel);
  if (invocation.command === 'simulator') return serveSimulator(invocation.settings, log.logger);
  return serve(invocation.settings, log);
}

function readInvocation(): Invocation {
  try {
    return configure(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`nat-gateway-mcp: ${error.message}\n`);
    return process.exit(2);
  }
}

/** Prints the policy of the server's credentials, or those of every target's role and of the credentials that assume it. */
async function printPolicy(settings: Settings): Promise<void> {
  const { iamPolicy, tablePolicy } = await import('./config/iam-policy.ts');
  const table = tableOf(settings);
  const policy =
    settings.targets === undefined
      ? iamPolicy(policyOf(settings), settings.restore, table)
      : await withTargets(settings.targets, async (file) => {
          const { policiesOfTargets } = await import('./config/iam-policy-targets.ts');
          const { readTargets } = await import('./config/targets-file.ts');
          const targets = readTargets(file, rulesOf(settings));
          const policies = policiesOfTargets(targets, rulesOf(settings), settings.restore);
          return table === undefined ? policies : { ...policies, state_table_policy: tablePolicy(table) };
        });
  print(json(policy));
}

/** Checks the set-up that the server would have with these settings. */
async function check(invocation: CheckFlags & { settings: Settings }): Promise<void> {
  const { settings } = invocation;
  const { checkCommand } = await import('./check/command.ts');
  const policy = policyOf(settings);
  const ec2Clock = await clockOfEc2(settings);
  const target = once(() => ec2Target(settings, ec2Clock));
  const openTable = (logger: Logger) =>
    openState(
      settings,
      { now: Date.now, monotonic, ec2: ec2Clock },
      [],
      () => openEc2(target, version, logger),
      logger,
    );
  process.exit(await checkCommand({ ...invocation, policy, version, target, openState: openTable }));
}

/** Serves MCP over stdio or HTTP until a signal comes or stdin ends. */
async function serve(settings: Settings, log: Log): Promise<void> {
  const { logger } = log;
  const started = { version, simulate: settings.simulate, rules: rulesInForce(settings) };
  const { audit, earlier } = openAuditLog(settings, log, version);
  const stopping = terminationSignal(logger, endingSignals(settings));
  const ec2Clock = await clockOfEc2(settings);
  const target = once(() => ec2Target(settings, ec2Clock));
  const ec2 = once(() => openEc2(target, version, logger));
  const clocks = { now: Date.now, monotonic, ec2: ec2Clock };
  const state = await openState(settings, clocks, releasesIn(earlier), ec2, logger);
  const dependencies: Dependencies = {
    ec2,
    ec2Clock,
    policy: policyOf(settings),
    confirmMode: settings.confirm,
    confirmation: once(() => openConfirmation(settings)),
    audit,
    state,
    targets: await openTargets(settings, target, state, version, logger),
    approvals: approvalRuleOf(settings),
    canRestore: settings.restore,
    stopping,
    // Over HTTP the signal of a request tells that its caller is gone; stdio has a check of its own.
    isHeard: async () => true,
    inputEnded: new AbortController().signal,
    handOver: stopping,
    graceOver: delayed(stopping, REQUESTS_MILLISECONDS),
    longestWaitSeconds:
      settings.http === undefined ? Infinity : settings.requestTimeoutSeconds - ANSWER_SECONDS,
    now: Date.now,
    monotonic,
    logger,
    version,
  };
  // On any exit, a second signal included, every attempt gets its outcome.
  process.once('exit', () => audit.close());
  if (settings.http === undefined) {
    await serveOverStdio(dependencies, settings, started);
  } else {
    // Loaded on demand, because most servers use stdio.
    const { serveOverHttp } = await import('./serve/http.ts');
    // Its first calls may be many.
    await limitYoungGeneration();
    await serveOverHttp(dependencies, settings, settings.http, started);
  }
  process.exit();
}

/** Serves the embedded endpoint to other programs until a signal comes. */
async function serveSimulator(settings: Settings, logger: Logger): Promise<void> {
  try {
    const stopping = terminationSignal(logger);
    const simulator = await startSimulator(settings, settings.port, await simulatedClock(settings));
    onAbort(stopping, () => void simulator.close().then(() => process.exit()));
    print(`Simulated EC2 for ${simulator.region} at ${simulator.url}

  export AWS_ENDPOINT_URL_EC2=${simulator.url} AWS_ENDPOINT_URL_STS=${simulator.url}
  export AWS_ENDPOINT_URL_CLOUDWATCH=${simulator.url}
  export AWS_REGION=${simulator.region} AWS_DEFAULT_REGION=${simulator.region}
  export AWS_ACCESS_KEY_ID=AKIASIMULATEDACCESS0 AWS_SECRET_ACCESS_KEY=simulated
  aws ec2 describe-nat-gateways
`);
  } catch (error) {
    process.stderr.write(`nat-gateway-mcp: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
