/** How a child process says where it listens: one line of JSON, `{"url":"http://127.0.0.1:PORT"}`, on a pipe of its own. */
import type { Readable } from 'node:stream';

const LONGEST_LINE = 4096;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** The address, without a path; undefined where `ended` resolves before. Rejects for another line, and when `signal` aborts. */
export async function readAnnouncement(pipe: Readable, ended: Promise<unknown>, signal: AbortSignal): Promise<string | undefined> {
  const line = await firstLine(pipe, ended, signal);
  return line === undefined ? undefined : toOrigin(line);
}

function firstLine(pipe: Readable, ended: Promise<unknown>, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    void ended.then(() => resolve(undefined));
    let text = '';
    // A pipe that closes says nothing: the child's end or the time that is over does.
    pipe.on('error', () => {});
    pipe.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > LONGEST_LINE) resolve(text);
    });
  });
}

function toOrigin(line: string): string {
  const said = `"${line.slice(0, 100)}"`;
  let url: unknown;
  try {
    url = (JSON.parse(line) as { url?: unknown } | null)?.url;
  } catch {
    throw new Error(`${said} is not a line of JSON`);
  }
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || !LOOPBACK.has(parsed.hostname))
    throw new Error(`${said} names no address of this machine`);
  return parsed.origin;
}
