import { lstatSync, rmSync } from 'node:fs';
import { AuditFile } from '../changes/audit-file.ts';
import { unfinishedIntents } from '../changes/earlier-records.ts';
import type { Settings } from '../config/options.ts';
import type { Finding } from './report.ts';

/** Opens the audit log as the server does, and leaves no file behind that was not there. */
export function checkAuditLog({ auditLog }: Pick<Settings, 'auditLog'>): Finding {
  if (auditLog === undefined) {
    return {
      status: 'ok',
      message: 'Audit records go to stderr, with the log. --audit-log FILE keeps them.',
    };
  }
  try {
    const wasThere = lstatSync(auditLog, { throwIfNoEntry: false }) !== undefined;
    const file = new AuditFile(auditLog);
    file.close();
    const mode = modeOf(auditLog);
    if (!wasThere) rmSync(auditLog);
    return opened(auditLog, mode, wasThere, unfinishedIntents(file.earlier).length);
  } catch (error) {
    return {
      status: 'failure',
      message: `${auditLog} cannot be opened: ${(error as Error).message}.`,
      hint: 'The server does not start so. Name a file in a folder that the server may write to.',
    };
  }
}

function opened(file: string, mode: string, wasThere: boolean, unfinished: number): Finding {
  const state = wasThere ? `can be written (mode ${mode})` : `can be created (mode ${mode})`;
  const facts = { file, mode, exists: wasThere };
  if (unfinished === 0) return { status: 'ok', message: `${file} ${state}.`, facts };
  const changes = unfinished === 1 ? '1 change has' : `${unfinished} changes have`;
  return {
    status: 'warning',
    message: `${file} ${state}. In its records ${changes} no outcome.`,
    hint: 'If no server runs that is making a change now, look at the gateways of these records.',
    facts,
  };
}

function modeOf(file: string): string {
  return (lstatSync(file).mode & 0o777).toString(8).padStart(4, '0');
}
