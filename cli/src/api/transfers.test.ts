import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { GoferClient } from './gofer-client.ts';
import { exchange } from './http-exchange.ts';
import { ServerTrust } from './server-trust.ts';

const path = { namespace_id: 'default', pipeline_id: 'simple', key: 'a/b' };
const MEBIBYTE = new Uint8Array(1_048_576).fill(7);

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function clientOf(server: Server): Promise<GoferClient> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new GoferClient({ baseUrl: new URL(`http://127.0.0.1:${port}`), token: '', insecureSkipTlsVerify: false });
}
type Listener = (...exchange: Parameters<RequestListener>) => unknown;
const serverOf = (listener: Listener) => createServer((request, response) => void listener(request, response));
const clientOfHttp = (listener: Listener) => clientOf(serverOf(listener));

async function* mebibytes(count: number, onTaken: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) {
    onTaken();
    yield MEBIBYTE;
  }
}
const refusal = (error_code: string) => JSON.stringify({ request_id: 'r', error_code, message: `refused: ${error_code}` });

describe('an upload', () => {
  it.each([
    [undefined, { 'transfer-encoding': 'chunked' }],
    [3 * MEBIBYTE.length, { 'content-length': String(3 * MEBIBYTE.length) }],
  ])('arrives byte for byte, its size %s', async (size, headers) => {
    let seen: unknown;
    const client = await clientOfHttp(async (request, response) => {
      const body = await buffer(request);
      seen = [request.method, request.url, request.headers, body.length];
      response.writeHead(201).end('{"object":{"key":"a/b","created":1}}');
    });
    const progress: number[] = [];
    const onProgress = (sent: number) => void progress.push(sent);
    const answer = await client.upload('put_pipeline_object', { path, query: { force: true } }, mebibytes(3), { size, onProgress });
    expect(answer).toEqual({ object: { key: 'a/b', created: 1 } });
    expect(seen).toEqual([
      'POST',
      '/api/namespaces/default/pipelines/simple/objects/a%2Fb?force=true',
      expect.objectContaining({ ...headers, 'content-type': 'application/octet-stream', 'gofer-api-version': 'v0' }),
      3 * MEBIBYTE.length,
    ]);
    expect(progress).toEqual([1, 2, 3].map((count) => count * MEBIBYTE.length));
  });

  it('of nothing has a length all the same', async () => {
    const lengths: unknown[] = [];
    const client = await clientOfHttp(async (request, response) => {
      lengths.push(request.headers['content-length'], (await buffer(request)).length);
      response.writeHead(201).end('{}');
    });
    await client.upload('put_pipeline_object', { path }, Readable.from([]), { size: 0 });
    expect(lengths).toEqual(['0', 0]);
  });

  it('is not read faster than the server takes it', async () => {
    let taken = 0;
    let mostAhead = 0;
    const client = await clientOfHttp(async (request, response) => {
      let received = 0;
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        received += chunk.length;
        mostAhead = Math.max(mostAhead, taken * MEBIBYTE.length - received);
      }
      response.writeHead(201).end('{}');
    });
    await client.upload(
      'put_pipeline_object',
      { path },
      mebibytes(128, () => (taken += 1)),
    );
    expect(taken).toBe(128);
    // Sockets buffer a few MiB on each side; the rest has to wait in its source.
    expect(mostAhead).toBeLessThan(48 * MEBIBYTE.length);
  });

  it.each([
    ['leaves the connection open', () => undefined],
    ['closes the connection', (socket: Socket) => socket.destroySoon()],
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy()],
  ])('that is refused by a server that %s is reported as that refusal, and sent no further', async (_, after) => {
    for (let round = 0; round < 20; round += 1) {
      const client = await clientOf(
        createTcpServer((socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () => {
            const body = refusal('PAYLOAD_TOO_LARGE');
            socket.write(`HTTP/1.1 413 Payload Too Large\r\ncontent-length: ${body.length}\r\n\r\n${body}`, () => after(socket));
          });
        }),
      );
      let taken = 0;
      const upload = client.upload(
        'put_pipeline_object',
        { path },
        mebibytes(4_096, () => (taken += 1)),
        { size: 4_096 * MEBIBYTE.length },
      );
      await expect(upload).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: 'refused: PAYLOAD_TOO_LARGE' });
      expect(taken).toBe(0);
    }
  });

  it.each([
    ['leaves the connection open', () => undefined],
    ['closes its side of it', (socket: Socket) => socket.end()],
    ['resets it after a moment', (socket: Socket) => setImmediate(() => socket.resetAndDestroy())],
  ])('that is refused in the middle by a server that %s is reported as that refusal, and sent no further', async (_, after) => {
    const client = await clientOf(
      createTcpServer({ allowHalfOpen: true }, (socket) => {
        let received = 0;
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'));
        socket.on('data', (chunk) => {
          const before = received;
          received += chunk.length;
          if (before >= MEBIBYTE.length || received < MEBIBYTE.length) return;
          const body = refusal('PAYLOAD_TOO_LARGE');
          socket.write(`HTTP/1.1 413 Payload Too Large\r\ncontent-length: ${body.length}\r\n\r\n${body}`, () => after(socket));
        });
      }),
    );
    let taken = 0;
    const upload = client.upload(
      'put_pipeline_object',
      { path },
      mebibytes(4_096, () => (taken += 1)),
    );
    await expect(upload).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: 'refused: PAYLOAD_TOO_LARGE' });
    expect(taken).toBeLessThan(256);
  });

  it('is sent to a server too that never says that it wants it', async () => {
    const server = serverOf(async (request, response) => {
      response.writeHead(201).end(JSON.stringify({ object: { key: String((await buffer(request)).length) } }));
    });
    server.on('checkContinue', (request, response) => server.emit('request', request, response));
    const client = await clientOf(server);
    expect(await client.upload('put_pipeline_object', { path }, mebibytes(1))).toEqual({ object: { key: '1048576' } });
  });

  it('that is refused before anything is there to send does not wait for it', async () => {
    const client = await clientOfHttp((_, response) => response.writeHead(409).end(refusal('ALREADY_EXISTS')));
    const endless = new Readable({ read: () => undefined });
    await expect(client.upload('put_pipeline_object', { path }, endless)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    endless.destroy();
  });

  it('that is cut says how far it came', async () => {
    const client = await clientOf(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\n', () => socket.once('data', () => socket.resetAndDestroy())));
      }),
    );
    const upload = client.upload('put_pipeline_object', { path }, mebibytes(512));
    await expect(upload).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(/bytes had been sent/u) as string });
  });

  it('whose source fails is aborted, so that the server keeps nothing', async () => {
    const aborted = Promise.withResolvers<void>();
    const client = await clientOfHttp((request) => void buffer(request).catch(() => aborted.resolve()));
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield MEBIBYTE;
      throw new Error('the disk is gone');
    }
    await expect(client.upload('put_pipeline_object', { path }, failing())).rejects.toThrow('the disk is gone');
    await aborted.promise;
  });

  it.each([1, 3])('whose source has %i MiB in place of 2 is aborted', async (count) => {
    const client = await clientOfHttp((request, response) => {
      buffer(request).then(
        () => response.writeHead(201).end('{}'),
        () => undefined,
      );
    });
    const upload = client.upload('put_pipeline_object', { path }, mebibytes(count), { size: 2 * MEBIBYTE.length });
    await expect(upload).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('changed while') as string });
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const client = await clientOfHttp(() => stop.abort());
    const endless = new Readable({ read: () => undefined });
    const upload = client.upload('put_pipeline_object', { path }, endless, { signal: stop.signal });
    endless.push('x');
    await expect(upload).rejects.toMatchObject({ code: 'CANCELLED' });
    endless.destroy();
  });
});

describe('the silence of a server', () => {
  const SILENCE = 200;
  const post = async (listener: Listener, source: AsyncIterable<Uint8Array>, size?: number) => {
    const { baseUrl } = await clientOfHttp(listener);
    return await exchange({
      method: 'POST',
      url: baseUrl,
      headers: {},
      body: { source, size },
      silence: SILENCE,
      trust: new ServerTrust({ verify: true }),
    });
  };
  /** As a pipe from a program that has to think. */
  async function* slow(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 2; index += 1) {
      await pause(2 * SILENCE);
      yield MEBIBYTE;
    }
    await pause(2 * SILENCE);
  }

  it.each([undefined, 2 * MEBIBYTE.length])('is not that of what is uploaded, its size %s', async (size) => {
    const answer = await post(async (request, response) => response.end(String((await buffer(request)).length)), slow(), size);
    expect((await buffer(answer)).toString()).toBe(String(2 * MEBIBYTE.length));
  });

  it('is counted once all is sent', async () => {
    const upload = post((request) => void request.resume(), mebibytes(1), MEBIBYTE.length);
    await expect(upload).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('is counted while it takes nothing', async () => {
    // It wants the body, and never reads it.
    const upload = post((_, response) => response.writeContinue(), mebibytes(512));
    await expect(upload).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});

describe('a download', () => {
  it('knows its size and has every byte', async () => {
    const client = await clientOfHttp((_, response) => response.writeHead(200, { 'content-length': MEBIBYTE.length }).end(MEBIBYTE));
    const download = await client.bytes('get_pipeline_object', { path });
    expect(download.size).toBe(MEBIBYTE.length);
    expect((await buffer(download)).equals(MEBIBYTE)).toBe(true);
  });

  it('that is cut never looks whole', async () => {
    const client = await clientOfHttp((_, response) => {
      response.writeHead(200, { 'content-length': 2 * MEBIBYTE.length });
      response.write(MEBIBYTE, () => response.destroy());
    });
    const download = await client.bytes('get_pipeline_object', { path });
    await expect(buffer(download)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/was lost after \d+ of 2097152 bytes/u) as string,
    });
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const client = await clientOfHttp((_, response) => response.writeHead(200).write(MEBIBYTE));
    const download = await client.bytes('get_pipeline_object', { path }, { signal: stop.signal });
    const reading = buffer(download);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
