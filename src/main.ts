import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from 'pino';
import type { Ec2 } from './aws/ec2.ts';
import type { Ec2Target } from './aws/settings.ts';
import { AuditFile, isWrittenBy } from './changes/audit-file.ts';
import { AuditLog } from './changes/audit-log.ts';
import { Confirmation } from './changes/confirmation.ts';
import { releasesIn, unfinishedIntents } from './changes/earlier-records.ts';
import { ChangeLimit } from './changes/limit.ts';
import { ChangeQueue } from './changes/queue.ts';
import { Releases } from './changes/releases.ts';
import { StartedDrains } from './changes/started-drains.ts';
import { type CheckFlags, ConfigurationError, configure, type Invocation } from './config/configure.ts';
import { help } from './config/help.ts';
import type { Settings } from './config/options.ts';
import { rulesInForce } from './config/rules.ts';
import type { Policy } from './nat-gateway/policy.ts';
import { type Rules, stricter } from './nat-gateway/stricter.ts';
import { type Log, openLog } from './serve/log.ts';
import {
  delayed,
  endingSignals,
  onTermination,
  REQUESTS_MILLISECONDS,
  terminationSignal,
} from './serve/shutdown.ts';
import { serveOverStdio } from './serve/stdio.ts';
import { limitYoungGeneration } from './serve/young-generation.ts';
import { type Dependencies, TargetAccounts } from './server.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const STDOUT = 1;
const STDERR = 2;

/** Seconds of a request's time that remain for the answer after a wait has ended. */
const ANSWER_SECONDS = 15;

await main();

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
  const { iamPolicy } = await import('./config/iam-policy.ts');
  const policy =
    settings.targets === undefined
      ? iamPolicy(policyOf(settings), settings.restore, tableOf(settings))
      : await withTargets(settings.targets, async (file) => {
          const { policiesOfTargets } = await import('./config/iam-policy-targets.ts');
          const { readTargets } = await import('./config/targets-file.ts');
          const targets = readTargets(file, rulesOf(settings));
          return policiesOfTargets(targets, rulesOf(settings), settings.restore);
        });
  print(json(policy));
}

/** Does something with the file of --targets, and exits with every mistake, a line each, if the file is refused. */
async function withTargets<T>(file: string, use: (file: string) => Promise<T>): Promise<T> {
  const { RefusedTargets } = await import('./config/targets.ts');
  try {
    return await use(file);
  } catch (error) {
    if (!(error instanceof RefusedTargets)) throw error;
    const lines = error.mistakes.map((mistake) => `nat-gateway-mcp: --targets ${file}: ${mistake}\n`);
    process.stderr.write(lines.join(''));
    return process.exit(2);
  }
}

/** The accounts of --targets, which are read again when the file changes; `undefined` without it. */
async function openTargets(
  settings: Settings,
  clock: Dependencies['ec2Clock'],
  logger: Logger,
  earlier: string,
): Promise<Dependencies['targets']> {
  if (settings.targets === undefined) return undefined;
  const file = await withTargets(settings.targets, async (path) => {
    const { TargetsFile } = await import('./config/targets-file.ts');
    return new TargetsFile(path, rulesOf(settings), logger);
  });
  file.watch();
  const ofServer = once(() => ec2Target(settings, clock));
  return new TargetAccounts({
    current: () => file.current(),
    rulesOf: (target) => stricter(rulesOf(settings), target.rules),
    open: async (target) => {
      const { connectEc2, inTarget } = await import('./aws/ec2.ts');
      return connectEc2(inTarget(await ofServer(), target), version, logger);
    },
    earlier: releasesIn(earlier),
    now: Date.now,
    monotonic,
  });
}

/** Checks the set-up that the server would have with these settings. */
async function check(invocation: CheckFlags & { settings: Settings }): Promise<void> {
  const { settings } = invocation;
  const { checkCommand } = await import('./check/command.ts');
  const policy = policyOf(settings);
  const target = async () => ec2Target(settings, await clockOfEc2(settings));
  process.exit(await checkCommand({ ...invocation, policy, version, target }));
}

/** Serves MCP over stdio or HTTP until a signal comes or stdin ends. */
async function serve(settings: Settings, log: Log): Promise<void> {
  limitYoungGeneration();
  const { logger } = log;
  const started = { version, simulate: settings.simulate, rules: rulesInForce(settings) };
  const { audit, earlier } = openAuditLog(settings, log);
  const stopping = terminationSignal(endingSignals(settings));
  const ec2Clock = await clockOfEc2(settings);
  const [key = randomBytes(32), earlierKey] = settings.confirmationKey ?? [];
  const dependencies: Dependencies = {
    ec2: once(() => openEc2(settings, ec2Clock, logger)),
    ec2Clock,
    policy: policyOf(settings),
    confirmMode: settings.confirm,
    confirmation: new Confirmation(key, Date.now, { earlierKey }),
    audit,
    changes: new ChangeQueue(),
    changeLimit: new ChangeLimit(settings.maxChangesPerHour, monotonic),
    drains: new StartedDrains(),
    releases: new Releases(Date.now, releasesIn(earlier)),
    targets: await openTargets(settings, ec2Clock, logger, earlier),
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
    await serveOverHttp(dependencies, settings, settings.http, started);
  }
  process.exit();
}

function monotonic(): number {
  return performance.now();
}

async function clockOfEc2(settings: Settings): Promise<Dependencies['ec2Clock']> {
  return settings.simulate ? await simulatedClock(settings) : { now: Date.now, monotonic };
}

/** The clock of the embedded endpoint, which never jumps. */
async function simulatedClock({ simulateSpeed }: Settings): Promise<Dependencies['ec2Clock']> {
  const { scaledClock } = await import('./simulator/clock.ts');
  const { now } = scaledClock(simulateSpeed);
  return { now, monotonic: now };
}

/** The table that replicas share, where there is one. */
function tableOf({ stateTable: name, stateRegion, region }: Settings) {
  return name === undefined ? undefined : { name, region: stateRegion ?? region };
}

/** Picks the policy out of the settings; no other setting may reach results. */
function policyOf(settings: Settings): Policy {
  const { allowAccount, readOnly, allowRegion, allowGateway } = settings;
  const { requireTag, protectTag, protectAddress, evidence, minRemaining, maxAddresses } = settings;
  return {
    allowAccount,
    readOnly,
    allowRegion,
    allowGateway,
    requireTag,
    protectTag,
    protectAddress,
    evidence,
    minRemaining,
    maxAddresses,
  };
}

/** The rules that a target may make stricter. */
function rulesOf(settings: Settings): Rules {
  return { ...policyOf(settings), maxChangesPerHour: settings.maxChangesPerHour };
}

/**
 * Opens the audit log and warns about changes that an earlier process left without an outcome. `earlier` are the records
 * from before.
 */
function openAuditLog(
  { auditLog, http }: Settings,
  { logger, stderr }: Log,
): { audit: AuditLog; earlier: string } {
  const onFailure = ({ message: reason }: Error): void =>
    logger.error({ reason }, 'the audit log cannot be written, so a change was refused');
  if (auditLog === undefined) {
    return { audit: new AuditLog(stderr, version, Date.now, onFailure), earlier: '' };
  }
  try {
    if (http === undefined && isWrittenBy(STDOUT, auditLog)) {
      throw new Error('it is stdout, which carries the protocol');
    }
    if (isWrittenBy(STDERR, auditLog)) throw new Error('it is stderr: leave --audit-log out');
    const file = new AuditFile(auditLog);
    for (const { may_be_running, ...change } of unfinishedIntents(file.earlier)) {
      const hint = may_be_running ? 'it may still be running; check the gateway' : 'check the gateway';
      logger.warn(change, `another process started this change and recorded no outcome: ${hint}`);
    }
    return { audit: new AuditLog(file, version, Date.now, onFailure), earlier: file.earlier };
  } catch (error) {
    process.stderr.write(`nat-gateway-mcp: --audit-log cannot be opened: ${(error as Error).message}\n`);
    return process.exit(2);
  }
}

async function openEc2(settings: Settings, clock: Dependencies['ec2Clock'], logger: Logger): Promise<Ec2> {
  const { connectEc2 } = await import('./aws/ec2.ts');
  return connectEc2(await ec2Target(settings, clock), version, logger);
}

/** AWS as the settings say, or the embedded endpoint, which is started. */
async function ec2Target(settings: Settings, clock: Dependencies['ec2Clock']): Promise<Ec2Target> {
  if (!settings.simulate) return { region: settings.region, profile: settings.profile };
  const simulator = await startSimulator(settings, 0, clock);
  forgetAwsSettings();
  return {
    region: simulator.region,
    endpoint: simulator.url,
    credentials: { accessKeyId: 'AKIASIMULATEDACCESS0', secretAccessKey: 'simulated' },
  };
}

/** Makes the AWS SDK deaf to the user's settings, whichever there are: they are for AWS, not for the embedded endpoint. */
function forgetAwsSettings(): void {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) delete process.env[name];
  }
  process.env.AWS_CONFIG_FILE = devNull;
  process.env.AWS_SHARED_CREDENTIALS_FILE = devNull;
}

async function startSimulator({ region }: Settings, port: number, clock: Dependencies['ec2Clock']) {
  const simulator = await import('./simulator/simulator.ts');
  return simulator.startSimulator({
    port,
    clock,
    ...(region === undefined ? {} : { region }),
  });
}

/** Serves the embedded endpoint to other programs until a signal comes. */
async function serveSimulator(settings: Settings, logger: Logger): Promise<void> {
  try {
    const simulator = await startSimulator(settings, settings.port, await simulatedClock(settings));
    onTermination(async () => {
      await simulator.close();
      process.exit();
    }, logger);
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

/** Returns a function that calls `make` once, and again only after it failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
