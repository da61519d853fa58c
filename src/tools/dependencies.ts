import type { Logger } from 'pino';
import type { Ec2 } from '../ec2/ec2.ts';

/** What the tools need from outside. */
export interface Dependencies {
  /** Loads the AWS code on the first call, so that a handshake needs neither it, nor credentials, nor a network. */
  ec2: () => Promise<Ec2>;
  /** Milliseconds since the epoch. */
  now: () => number;
  logger: Logger;
  version: string;
}
