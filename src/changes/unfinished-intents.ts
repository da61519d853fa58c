/** An intent that no outcome followed, found in another process's records. */
export interface UnfinishedIntent {
  id: string;
  time: string;
  arguments: unknown;
  /** Whether a process with the id of its writer is running: perhaps the writer itself, not done yet. */
  may_be_running: boolean;
}

/** The intents without an outcome among the records of earlier processes. */
export function unfinishedIntents(records: string): UnfinishedIntent[] {
  const intents = new Map<string, Omit<UnfinishedIntent, 'may_be_running'> & { pid: unknown }>();
  for (const line of records.split('\n')) {
    const record = parsed(line);
    if (typeof record?.id !== 'string') continue;
    if (record.audit === 'outcome') intents.delete(record.id);
    if (record.audit === 'intent') {
      const { id, time, arguments: given, pid } = record;
      intents.set(id as string, { id: id as string, time: String(time), arguments: given, pid });
    }
  }
  return [...intents.values()].map(({ pid, ...intent }) => ({ ...intent, may_be_running: isRunning(pid) }));
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: unknown): boolean {
  if (typeof pid !== 'number' || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
