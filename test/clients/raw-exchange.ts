/** One request as the bytes that it is, and the answer to it: for requests that no client would send. */
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Each character a byte; of a WebSocket nothing. */
  readonly body: string;
}

/** Longer than any answer takes. */
const LIMIT_MS = 20_000;
const END_OF_HEAD = '\r\n\r\n';

/** Rejects where what comes back is no whole answer. */
export async function exchange(url: string, request: string, localAddress = '127.0.0.1'): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  let received = '';
  socket.setTimeout(LIMIT_MS, () => reject(new Error(`no whole answer within ${LIMIT_MS} ms, but: ${received.slice(0, 500)}`)));
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const answer = parse(received);
    if (answer !== undefined) resolve(answer);
  });
  socket.once('error', reject);
  socket.once('close', () => reject(new Error(`the connection ended without a whole answer: ${received.slice(0, 500)}`)));
  socket.write(request, 'latin1');
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Undefined: not whole yet. Of an answer in chunks they are left in its body. */
function parse(whole: string): RawAnswer | undefined {
  const received = whole.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = received.indexOf(END_OF_HEAD);
  if (end === -1) return undefined;
  const [first = '', ...lines] = received.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  const headers = Object.fromEntries(lines.map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.replace(/^[^:]*:\s*/, '')]));
  const body = received.slice(end + END_OF_HEAD.length);
  if (status === 101 || status === 204 || status === 304) return { status, headers, body: '' };
  if (headers['transfer-encoding'] === 'chunked') return body.endsWith('0\r\n\r\n') ? { status, headers, body } : undefined;
  return body.length < Number(headers['content-length'] ?? Number.NaN) ? undefined : { status, headers, body };
}
