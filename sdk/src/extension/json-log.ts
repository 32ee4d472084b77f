import type { ExtensionLog, LogLevel } from './extension.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** The server's levels are more than ours; what is not known counts as `info`. */
export function toLogLevel(text: string | undefined): LogLevel {
  const level = text?.toLowerCase();
  if (level === 'trace') return 'debug';
  return LEVELS.find((known) => known === level) ?? 'info';
}

/** One line of JSON for each message of that level or above. */
export function createJsonLog(least: LogLevel, write: (line: string) => void, now: () => number): ExtensionLog {
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const head = { time: new Date(now()).toISOString(), level, message };
    try {
      write(`${JSON.stringify({ ...head, ...fields, ...head }, plain)}\n`);
    } catch (error) {
      // What cannot be said as JSON (a circle) must not keep the message back.
      write(`${JSON.stringify({ ...head, unwritable: describe(error) })}\n`);
    }
  };
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? String(value);
  return typeof value === 'bigint' ? String(value) : value;
}

/** An error's message, with those that it stands for. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' && error.message === '' ? error.code : '';
  return error.cause === undefined ? `${error.message}${code}` : `${error.message}: ${describe(error.cause)}`;
}
