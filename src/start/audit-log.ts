import { AuditFile, isWrittenBy } from '../changes/audit-file.ts';
import { AuditLog } from '../changes/audit-log.ts';
import { unfinishedIntents } from '../changes/earlier-records.ts';
import type { Settings } from '../config/options.ts';
import type { Log } from '../serve/log.ts';

const STDOUT = 1;
const STDERR = 2;

/**
 * Opens the audit log and warns about changes that an earlier process left without an outcome. `earlier` are the records
 * from before.
 */
export function openAuditLog(
  { auditLog, http }: Settings,
  { logger, stderr }: Log,
  version: string,
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
