import type { Logger } from 'pino';
import type { Ec2 } from '../aws/ec2.ts';
import type { AuditLog } from '../changes/audit-log.ts';
import type { Confirmation } from '../changes/confirmation.ts';
import type { ChangeLimit } from '../changes/limit.ts';
import type { ChangeQueue } from '../changes/queue.ts';
import type { StartedDrains } from '../changes/started-drains.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import type { ConfirmMode } from '../vocabulary/names.ts';

/** What the tools need from outside. One for all connections of a process. */
export interface Dependencies {
  /** Loads the AWS code on the first call, so that a handshake needs neither it, nor credentials, nor a network. */
  ec2: () => Promise<Ec2>;
  policy: Policy;
  confirmMode: ConfirmMode;
  confirmation: Confirmation;
  audit: AuditLog;
  changes: ChangeQueue;
  changeLimit: ChangeLimit;
  drains: StartedDrains;
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
