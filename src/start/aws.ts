import { devNull } from 'node:os';
import type { Ec2 } from '../aws/ec2.ts';
import type { Ec2Target } from '../aws/settings.ts';
import type { Settings } from '../config/options.ts';
import type { Dependencies } from '../server.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { limitYoungGeneration } from './young-generation.ts';

/** By then most first calls are answered, and Node's modules loaded. */
const FIRST_CALL_MILLISECONDS = 1000;

type Clock = Dependencies['ec2Clock'];

export function monotonic(): number {
  return performance.now();
}

/** The clock by which EC2 drains. */
export async function clockOfEc2(settings: Settings): Promise<Clock> {
  return settings.simulate ? await simulatedClock(settings) : { now: Date.now, monotonic };
}

/** The clock of the embedded endpoint, which never jumps. */
export async function simulatedClock({ simulateSpeed }: Settings): Promise<Clock> {
  const { scaledClock } = await import('../simulator/clock.ts');
  const { now } = scaledClock(simulateSpeed);
  return { now, monotonic: now };
}

/** AWS, which is contacted by its first call. */
export async function openEc2(
  target: () => Promise<Ec2Target>,
  version: string,
  logger: Logger,
): Promise<Ec2> {
  const { connectEc2 } = await loadAws();
  return connectEc2(await target(), version, logger);
}

/** Loads the code that calls AWS. A process that has loaded it begins to work, and to leave garbage. */
export async function loadAws() {
  const { connectEc2, inTarget } = await import('../aws/ec2.ts');
  setTimeout(limitYoungGeneration, FIRST_CALL_MILLISECONDS).unref();
  return { connectEc2, inTarget };
}

/** AWS as the settings say, or the embedded endpoint, which is started. */
export async function ec2Target(settings: Settings, clock: Clock): Promise<Ec2Target> {
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

export async function startSimulator({ region }: Settings, port: number, clock: Clock) {
  const simulator = await import('../simulator/simulator.ts');
  return simulator.startSimulator({
    port,
    clock,
    ...(region === undefined ? {} : { region }),
  });
}

/** Returns a function that calls `make` once, and again only after it failed. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
