#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { type Logger, pino } from 'pino';
import { AuditLog } from './audit.ts';
import { ChangeAllowance } from './change-allowance.ts';
import { ChangeQueue } from './change-queue.ts';
import { ConfigurationError, configure, help, type Invocation, type Settings } from './config.ts';
import { DrainBook } from './drain-book.ts';
import type { Ec2 } from './ec2/ec2.ts';
import type { Policy } from './nat-gateway/policy.ts';
import { createServer } from './server.ts';
import { StdioTransport } from './stdio.ts';
import { Confirmation } from './tools/confirmation.ts';
import type { Dependencies } from './tools/dependencies.ts';

/** How long a shutdown waits for requests in flight. */
const GRACE_MILLISECONDS = 10_000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

await main();

async function main(): Promise<void> {
  const invocation = readInvocation();
  if (invocation.command === 'help') return print(help(invocation.of));
  if (invocation.command === 'version') return print(`${version}\n`);
  const logger = createLogger(invocation.settings.logLevel);
  if (invocation.command === 'simulator') return serveSimulator(invocation.settings, logger);
  return serve(invocation.settings, logger);
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

/** Serves MCP over stdin and stdout until the client goes away or a signal comes. */
async function serve(settings: Settings, logger: Logger): Promise<void> {
  const audit = openAuditLog(settings, logger);
  const changes = new ChangeQueue();
  const stopping = new AbortController();
  const transport = new StdioTransport(process.stdin, process.stdout, GRACE_MILLISECONDS);
  const dependencies: Dependencies = {
    ec2: once(() => openEc2(settings, logger)),
    policy: policyOf(settings),
    confirmMode: settings.confirm,
    confirmation: new Confirmation(settings.confirmationKey ?? randomBytes(32), Date.now),
    audit,
    changes,
    allowance: new ChangeAllowance(settings.maxChangesPerHour, Date.now),
    drains: new DrainBook(),
    stopping: stopping.signal,
    now: Date.now,
    logger,
    version,
  };
  // However it ends, by a second signal too, what is still going on goes on record as unknown.
  process.once('exit', () => audit.close());
  endWith(() => {
    stopping.abort();
    return transport.end();
  }, logger);
  serveStdio(() => createServer(dependencies), {
    transport,
    onerror: (error) => logger.warn({ reason: error.message }, 'protocol error'),
  });
  logger.info({ version, simulate: settings.simulate }, 'serving MCP over stdio');
  await transport.ending;
  // A change whose caller is gone is still awaited, and the turn in which its outcome goes on record.
  const over = transport.closed.then(() => changes.idle()).then(() => sleep(0));
  await Promise.race([over, sleep(GRACE_MILLISECONDS)]);
  process.exit();
}

/** The settings that are policy, and no others: they reach results. */
function policyOf(settings: Settings): Policy {
  const { allowAccount, readOnly, allowRegion, allowGateway } = settings;
  const { requireTag, protectTag, minRemaining, maxAddresses } = settings;
  return {
    allowAccount,
    readOnly,
    allowRegion,
    allowGateway,
    requireTag,
    protectTag,
    minRemaining,
    maxAddresses,
  };
}

/** Opens the audit log and tells of changes that an earlier process began and did not finish recording. */
function openAuditLog({ auditLog }: Settings, logger: Logger): AuditLog {
  try {
    const audit = new AuditLog(auditLog, version, Date.now);
    for (const intent of audit.unfinished) {
      const { may_be_running, ...change } = intent;
      const and = may_be_running ? '; it may still be at it' : '';
      logger.warn(
        change,
        `another process began this change and recorded no outcome${and}: look at the gateway`,
      );
    }
    return audit;
  } catch (error) {
    process.stderr.write(`nat-gateway-mcp: --audit-log cannot be opened: ${(error as Error).message}\n`);
    return process.exit(2);
  }
}

/** Loads the AWS code and, when simulating, starts the embedded endpoint that stands in for AWS. */
async function openEc2(settings: Settings, logger: Logger): Promise<Ec2> {
  const { connectEc2 } = await import('./ec2/ec2.ts');
  if (!settings.simulate)
    return connectEc2({ region: settings.region, profile: settings.profile }, version, logger);
  const simulator = await startSimulator(settings, 0);
  return connectEc2(
    {
      region: simulator.region,
      endpoint: simulator.url,
      credentials: { accessKeyId: 'AKIASIMULATEDACCESS0', secretAccessKey: 'simulated' },
    },
    version,
    logger,
  );
}

async function startSimulator({ region, simulateSpeed }: Settings, port: number) {
  const simulator = await import('./simulator/simulator.ts');
  return simulator.startSimulator({
    port,
    clock: simulator.scaledClock(simulateSpeed),
    ...(region === undefined ? {} : { region }),
  });
}

/** Serves the embedded endpoint to other programs until a signal comes. */
async function serveSimulator(settings: Settings, logger: Logger): Promise<void> {
  try {
    const simulator = await startSimulator(settings, settings.port);
    endWith(async () => {
      await simulator.close();
      process.exit();
    }, logger);
    print(`EC2 for ${simulator.region}, simulated, at ${simulator.url}

  export AWS_ENDPOINT_URL_EC2=${simulator.url} AWS_ENDPOINT_URL_STS=${simulator.url} AWS_REGION=${simulator.region}
  export AWS_ACCESS_KEY_ID=AKIASIMULATEDACCESS0 AWS_SECRET_ACCESS_KEY=simulated
  aws ec2 describe-nat-gateways
`);
  } catch (error) {
    process.stderr.write(`nat-gateway-mcp: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

/** Ends in order on a signal and on a fault nobody caught; a second signal ends at once. */
function endWith(end: () => Promise<void>, logger: Logger): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'shutting down');
      process.once(signal, () => process.exit(1));
      void end();
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'a fault nobody caught; finishing what is in flight');
      process.exitCode = 1;
      void end();
    });
  }
}

/** JSON lines on stderr. Node's own warnings go there too, and a reader of stderr that left is survived. */
function createLogger(level: string): Logger {
  const logger = pino({ level, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  process.removeAllListeners('warning');
  process.on('warning', (warning) => logger.warn({ name: warning.name }, warning.message));
  process.stderr.on('error', () => {});
  return logger;
}

/** Calls `make` the first time it is needed, and again only if that failed. */
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

function print(text: string): void {
  process.stdout.write(text);
}
