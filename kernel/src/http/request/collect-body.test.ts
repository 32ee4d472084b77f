import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GoferError } from '@gofer/contracts';
import { expect, it } from 'vitest';
import { collectBody } from './collect-body.ts';

const PIECES = 100_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('keeps a body that comes in pieces of a byte in little more than its size', async () => {
  const body = Promise.withResolvers<Buffer>();
  const all = Promise.withResolvers<number>();
  let size = 0;
  const server = createServer((request: IncomingMessage, response) => {
    const counted = (bytes: number): undefined => {
      size += bytes;
      if (size === PIECES) setImmediate(() => all.resolve(bytesInUse()));
    };
    const tooLarge = () => new GoferError('PAYLOAD_TOO_LARGE', 'it is too large');
    body.resolve(collectBody(request, { size: PIECES, timeMs: 60_000, tooLarge, refusal: counted }).finally(() => response.end()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const text = Array.from({ length: PIECES }, (_, index) => String(index % 10)).join('');
  const chunks = Buffer.from(text.replaceAll(/./g, '1\r\n$&\r\n'));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const before = bytesInUse();
  socket.write('POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n');
  socket.write(chunks);
  // With a buffer for each piece it is two hundred times as much.
  expect((await all.promise) - before).toBeLessThan(40 * PIECES);
  socket.write('0\r\n\r\n');
  expect((await body.promise).toString() === text).toBe(true);
  socket.destroy();
  server.close();
  await once(server, 'close');
});
