import type { Logger } from 'pino';
import type { AuditLog } from '../audit.ts';
import type { ChangeAllowance } from '../change-allowance.ts';
import type { ChangeQueue } from '../change-queue.ts';
import type { DrainBook } from '../drain-book.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import type { Confirmation, ConfirmMode } from './confirmation.ts';

/** What the tools need from outside. One for all connections of a process. */
export interface Dependencies {
  /** Loads the AWS code on the first call, so that a handshake needs neither it, nor credentials, nor a network. */
  ec2: () => Promise<Ec2>;
  policy: Policy;
  confirmMode: ConfirmMode;
  confirmation: Confirmation;
  audit: AuditLog;
  changes: ChangeQueue;
  allowance: ChangeAllowance;
  drains: DrainBook;
  /** Aborted once the process is to end: no real call begins after that. */
  stopping: AbortSignal;
  /** Aborted when waits should say how to go on elsewhere, because nobody will get their answer later. */
  handOver: AbortSignal;
  /** How long a wait may last, whatever the caller would like. */
  longestWaitSeconds: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  logger: Logger;
  version: string;
}
