/** Writes one line of the log: a message, with members before it where there are any. */
interface WriteLine {
  (members: object, message: string): void;
  (message: string): void;
}

/** The log, by the levels of its lines. */
export type Logger = Readonly<Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', WriteLine>>;
