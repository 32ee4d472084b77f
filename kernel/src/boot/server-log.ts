/** The operator's log: JSON lines, or lines for people where `development.pretty_logging` says so; always in this process. */
import type { PluginLog } from '@gofer/contracts';
import { type DestinationStream, pino } from 'pino';

export interface ServerLogOptions {
  readonly level: string;
  readonly pretty: boolean;
  /** Where lines go; each call is one line with its newline. */
  readonly write: (line: string) => void;
}

export async function createServerLog(options: ServerLogOptions): Promise<PluginLog> {
  const destination = { write: options.write };
  const stream = options.pretty ? await prettyStream(destination) : destination;
  const logger = pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return (level, message, fields) => logger[level](fields ?? {}, message);
}

/** Loaded only where it is used: it is a third of the server's start. */
async function prettyStream(destination: { write(line: string): void }): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({ colorize: false, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true });
  return { write: (line: string) => destination.write(format(line)) };
}
