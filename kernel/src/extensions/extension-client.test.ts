import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { turn, VirtualClock } from '../clock/virtual-clock.ts';
import { TestAuthority } from '../tls/certificates.fixture.ts';
import { ExtensionClient, type ExtensionClientOptions } from './extension-client.ts';
import { NOWHERE } from './extension-host.ts';
import { answer, type Behaviour, endless, HostileExtension } from './hostile-extension.fixture.ts';

const KEY = 'the-key-of-the-extension';
const NAME = { namespaceId: 'default', pipelineId: 'build', subscriptionId: 'nightly' };
const MIB = 1024 * 1024;

const DELIVERY = { id: '019a3c1e', received: 1234, again: 2 };

let open: { close(): Promise<void> }[] = [];

async function serve(behaviour: Behaviour, tls?: { cert: string; key: string }): Promise<HostileExtension> {
  const extension = await HostileExtension.open(behaviour, tls);
  open.push(extension);
  return extension;
}
function connect(url: string, options: Partial<ExtensionClientOptions> = {}): ExtensionClient {
  const client = new ExtensionClient({ extensionId: 'mine', url, key: KEY, verifyCerts: true, clock: SYSTEM_CLOCK, ...options });
  open.push(client);
  return client;
}
async function talk(behaviour: Behaviour, options?: Partial<ExtensionClientOptions>) {
  const extension = await serve(behaviour);
  return { extension, client: connect(`http://127.0.0.1:${extension.port}`, options) };
}

afterEach(async () => {
  // Clients before what they ask.
  await Promise.all(open.toReversed().map((each) => each.close()));
  open = [];
});

const unavailable = (message: string | RegExp) => ({
  code: 'UNAVAILABLE',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});

describe('what an extension is asked', () => {
  const calls: readonly [string, (client: ExtensionClient) => Promise<unknown>, string, object | undefined][] = [
    ['health', (client) => client.health(), 'GET /api/health', undefined],
    ['shutdown', (client) => client.shutdown(), 'POST /api/shutdown', undefined],
    [
      'subscribe',
      (client) => client.subscribe({ ...NAME, params: { every: '5m' }, created: 1234 }),
      'POST /api/subscribe',
      {
        namespace_id: 'default',
        pipeline_id: 'build',
        pipeline_subscription_id: 'nightly',
        pipeline_subscription_params: { every: '5m' },
        created: 1234,
      },
    ],
    [
      'unsubscribe',
      (client) => client.unsubscribe(NAME),
      'DELETE /api/subscribe',
      { namespace_id: 'default', pipeline_id: 'build', pipeline_subscription_id: 'nightly' },
    ],
    [
      'deliver',
      (client) => client.deliver({ ...DELIVERY, headers: { 'x-github-event': 'push' }, body: Uint8Array.of(0, 9, 10, 99, 100, 255) }),
      'POST /api/external-event',
      { headers: { 'x-github-event': 'push' }, body: [0, 9, 10, 99, 100, 255] },
    ],
  ];
  it.each(calls)('%s: any 2xx is a yes, and only health goes without the key', async (name, call, line, body) => {
    for (const status of [200, 201, 204]) {
      const { extension, client } = await talk(answer(status, '', status === 204 ? { 'content-length': '0' } : {}));
      await call(client);
      const [head = '', sent = ''] = (extension.requests[0] ?? '').split('\r\n\r\n');
      expect(head.split('\r\n')[0]).toBe(`${line} HTTP/1.1`);
      for (const said of ['gofer-delivery-id: 019a3c1e', 'gofer-delivery-received: 1234', 'gofer-delivery-again: 2'])
        expect(head.includes(said)).toBe(line === 'POST /api/external-event');
      expect(head.includes(`authorization: Bearer ${KEY}`)).toBe(name !== 'health');
      expect(sent === '' ? undefined : JSON.parse(sent)).toEqual(body);
    }
  });

  it('info, whatever its type is said to be, and with what is absent', async () => {
    const said = {
      extension_id: 'cron',
      documentation: {
        body: '# Cron',
        config_params: null,
        pipeline_subscription_params: [{ key: 'expression', required: true, documentation: 'when' }, { key: 'zone' }],
      },
    };
    const { client } = await talk(answer(200, JSON.stringify(said), { 'content-type': 'text/plain; charset=utf-8' }));
    expect(await client.info()).toEqual({
      body: '# Cron',
      config_params: [],
      pipeline_subscription_params: [
        { key: 'expression', required: true, documentation: 'when' },
        { key: 'zone', required: false, documentation: '' },
      ],
    });
    const { client: terse } = await talk(answer(200, '{}'));
    expect(await terse.info()).toEqual({ body: '', config_params: [], pipeline_subscription_params: [] });
  });

  it('debug, without the key', async () => {
    const { client } = await talk(answer(200, JSON.stringify({ info: `state; key ${KEY}` })));
    expect(await client.debug()).toBe('state; key [redacted]');
  });

  it('carries a large event byte for byte, in pieces', async () => {
    const { extension, client } = await talk(answer(204));
    const body = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);
    expect(await client.deliver({ ...DELIVERY, headers: {}, body })).toEqual({ statusCode: 204 });
    const sent = JSON.parse((extension.requests[0] ?? '').split('\r\n\r\n')[1] ?? '') as { body: number[] };
    expect(Buffer.from(sent.body).equals(body)).toBe(true);
  });
});

describe('what an extension refuses', () => {
  it('is told in its own words, on one line, cut, without the key', async () => {
    const words = `bad\u001b[31m\nexpression \u202e${KEY} ${'x'.repeat(600)}`;
    for (const body of [JSON.stringify({ message: words }), words]) {
      const { client } = await talk(answer(400, body));
      const error = await failure(client.subscribe({ ...NAME, params: {}, created: 1 }));
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('bad [31m expression [redacted] xxx') });
      expect(error.message.length).toBeLessThan(560);
    }
  });

  it('is told without the secrets that it was started with, also where it is cut in the middle of one', async () => {
    const secret = 'the secret of a setting, given\nin two lines';
    const { client } = await talk(answer(503, JSON.stringify({ message: `${'x'.repeat(490)}${secret}` })), { masked: [secret] });
    for (const call of [client.health(), client.subscribe({ ...NAME, params: {}, created: 1 }), client.debug(), client.shutdown()]) {
      const { message } = await failure(call);
      expect(message).toContain('x'.repeat(490));
      expect(message).not.toContain('the sec');
    }
    expect((await client.deliver({ ...DELIVERY, headers: {}, body: new Uint8Array() })).message).toMatch(/x\[redact/);
    const { client: open } = await talk(answer(200, JSON.stringify({ info: `state ${secret}` })), { masked: [secret] });
    expect(await open.debug()).not.toContain('secret');
  });

  it('of a subscription is the fault of whoever wants it, unless it is not about that', async () => {
    for (const [status, code] of [
      [400, 'INVALID_ARGUMENT'],
      [404, 'INVALID_ARGUMENT'],
      [422, 'INVALID_ARGUMENT'],
      [401, 'UNAVAILABLE'],
      [429, 'UNAVAILABLE'],
      [500, 'UNAVAILABLE'],
      [302, 'UNAVAILABLE'],
    ] as const) {
      const { client } = await talk(answer(status));
      await expect(client.subscribe({ ...NAME, params: {}, created: 1 })).rejects.toMatchObject({ code });
    }
  });

  it('to forget because it does not know it is done', async () => {
    const { client } = await talk(answer(404, 'no such subscription'));
    await client.unsubscribe(NAME);
    const { client: broken } = await talk(answer(500, 'oh no'));
    await expect(broken.unsubscribe(NAME)).rejects.toMatchObject(
      unavailable("'mine' could not be asked (DELETE /api/subscribe): it answers 500: oh no"),
    );
  });

  it('of deliveries is answered as it is', async () => {
    const event = { ...DELIVERY, headers: {}, body: new Uint8Array() };
    const { client } = await talk(answer(400, '{"message":"bad signature"}'));
    expect(await client.deliver(event)).toEqual({ statusCode: 400, message: 'bad signature' });
    const { client: busy } = await talk(answer(503));
    expect(await busy.deliver(event)).toEqual({ statusCode: 503 });
  });

  it('by a redirect is not followed, and the key goes nowhere else', async () => {
    const elsewhere = await serve(answer(204));
    const location = `http://127.0.0.1:${elsewhere.port}/steal`;
    for (const status of [301, 302, 303, 307, 308]) {
      const { client } = await talk(answer(status, '', { location }));
      await expect(client.info()).rejects.toMatchObject(unavailable(`it answers ${status}, a redirect to ${location}`));
      expect(await client.deliver({ ...DELIVERY, headers: {}, body: new Uint8Array() })).toMatchObject({ statusCode: status });
    }
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('an extension that answers nonsense', () => {
  it.each([
    ['', 'it is empty'],
    ['<html>', 'it is not JSON but begins with "<html>"'],
    ['[]', 'it is not an object'],
    ['{"documentation":7}', 'documentation is not an object'],
    ['{"documentation":{"body":7}}', 'documentation.body is not a text'],
    ['{"documentation":{"config_params":{}}}', 'documentation.config_params is not a list'],
    ['{"documentation":{"config_params":[7]}}', 'documentation.config_params[0] is not an object'],
    ['{"documentation":{"config_params":[{"required":true}]}}', 'documentation.config_params[0].key is missing'],
    ['{"documentation":{"config_params":[{"key":"a","required":"yes"}]}}', 'config_params[0].required is neither'],
  ])('such as %s is told so', async (body, message) => {
    const { client } = await talk(answer(200, body));
    await expect(client.info()).rejects.toMatchObject(unavailable(message));
  });

  it('in the place of HTTP is told so', async () => {
    const { client } = await talk((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n\r\n'));
    await expect(client.health()).rejects.toMatchObject(unavailable('it does not answer in HTTP'));
    const { client: silent } = await talk((socket) => socket.destroy());
    await expect(silent.health()).rejects.toMatchObject(unavailable('it closed the connection without an answer'));
    await expect(connect(NOWHERE).health()).rejects.toMatchObject(unavailable('nothing listens there'));
  });

  it('that breaks off is told so', async () => {
    const { client } = await talk((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"info":'));
    await expect(client.debug()).rejects.toMatchObject(unavailable('its answer broke off'));
  });
});

describe('an extension that answers for ever', () => {
  it.each([
    ['info', 200, MIB, 'its answer is larger than 1024 KiB'],
    ['debug', 200, 4 * MIB, 'its answer is larger than 4096 KiB'],
    ['info', 500, MIB / 16, 'it answers 500'],
  ] as const)('to %s with %i is cut', async (call, status, limit, message) => {
    const written = { bytes: 0 };
    const { extension, client } = await talk(endless(`HTTP/1.1 ${status} OK\r\n\r\n`, 'x'.repeat(65_536), written));
    await expect(client[call]()).rejects.toMatchObject(unavailable(message));
    await extension.forsaken();
    // What the two sides' sockets buffer comes on top.
    expect(written.bytes).toBeLessThan(limit + 16 * MIB);
  });

  it('in pieces of one byte keeps no more than its bytes', async () => {
    const written = { bytes: 0 };
    const { client } = await talk(endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'.repeat(5000), written));
    await expect(client.info()).rejects.toMatchObject(unavailable('its answer is larger than 1024 KiB'));
  });

  it('with headers is cut', async () => {
    const { extension, client } = await talk(endless('HTTP/1.1 200 OK\r\n', `x-more: ${'x'.repeat(1000)}\r\n`, { bytes: 0 }));
    await expect(client.health()).rejects.toMatchObject(unavailable('the headers of its answer are larger than 16 KiB'));
    await extension.forsaken();
  });

  it('with a yes to what has no answer is believed', async () => {
    const { extension, client } = await talk(endless('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(65_536), { bytes: 0 }));
    expect(await client.subscribe({ ...NAME, params: {}, created: 1 })).toBeUndefined();
    await extension.forsaken();
  });
});

describe('an extension that takes its time', () => {
  const silent: Behaviour = () => {};
  const trickling: Behaviour = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{');
  const informing: Behaviour = (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');

  it.each([
    ['never answers', silent, 'it did not answer within 10 s'],
    ['trickles', trickling, 'it did not answer in full within 10 s'],
    ['says only that it will answer', informing, 'it did not answer within 10 s'],
  ])('and %s is given up', async (_, behaviour, message) => {
    const clock = new VirtualClock(0);
    const { extension, client } = await talk(behaviour, { clock });
    const { promise: asked } = extension.asked;
    const outcome = failure(client.info());
    await asked;
    await turns();
    clock.advance();
    expect(await outcome).toMatchObject(unavailable(message));
    expect(clock.monotonic()).toBe(10_000);
    await extension.forsaken();
  });

  it('over a delivery has longer, and one that has answered counts as answered', async () => {
    const clock = new VirtualClock(0);
    const { extension, client } = await talk(trickling, { clock });
    const { promise: asked } = extension.asked;
    const delivered = client.deliver({ ...DELIVERY, headers: {}, body: new Uint8Array() });
    await asked;
    await turns();
    clock.advance();
    expect(await delivered).toEqual({ statusCode: 200 });
    expect(clock.monotonic()).toBe(30_000);
  });

  it('over TLS that never begins is given up', async () => {
    const clock = new VirtualClock(0);
    const extension = await serve(silent);
    const client = connect(`https://127.0.0.1:${extension.port}`, { clock });
    const outcome = failure(client.info());
    clock.advance();
    expect(await outcome).toMatchObject(unavailable('it did not answer within 10 s'));
  });

  it('is left when the caller gives up', async () => {
    const { extension, client } = await talk(silent);
    const abort = new AbortController();
    const { promise: asked } = extension.asked;
    const outcome = failure(client.info(abort.signal));
    await asked;
    abort.abort();
    expect(await outcome).toMatchObject({ code: 'CANCELLED' });
    await extension.forsaken();
    await expect(client.info(abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('keeps nobody from asking after its health, and has 16 connections at most', async () => {
    const { extension, client } = await talk((socket, request) => {
      if (request.startsWith('GET /api/health')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const abort = new AbortController();
    const waiting = Array.from({ length: 40 }, () => failure(client.info(abort.signal)));
    while (extension.requests.length < 16) await extension.asked.promise;
    await client.health();
    expect(extension.sockets.size).toBe(17);
    abort.abort();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(extension.requests.length).toBe(17);
  });
});

describe('an extension that serves TLS', () => {
  it('is believed where its certificate is, and otherwise only where that does not matter', async () => {
    const authority = await TestAuthority.make();
    const extension = await serve(answer(204), await authority.issue());
    const url = `https://127.0.0.1:${extension.port}`;
    await expect(connect(url).shutdown()).rejects.toMatchObject(unavailable(/its certificate is not accepted.*extensions\.verify_certs/));
    expect(extension.requests).toEqual([]);
    await connect(url, { ca: authority.pems.cert }).shutdown();
    await connect(url, { verifyCerts: false }).shutdown();
    expect(extension.requests).toHaveLength(2);
    const others = await TestAuthority.make(['elsewhere.example']);
    const named = await serve(answer(204), await others.issue(['elsewhere.example']));
    const wrong = connect(`https://127.0.0.1:${named.port}`, { ca: others.pems.cert });
    await expect(wrong.shutdown()).rejects.toMatchObject(unavailable('its certificate is not accepted'));
  });

  it('in clear is told so', async () => {
    const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ close: async () => void server.close() });
    const { port } = server.address() as AddressInfo;
    const health = connect(`https://127.0.0.1:${port}`, { verifyCerts: false }).health();
    await expect(health).rejects.toMatchObject(unavailable('TLS cannot be spoken with it'));
  });

  it('is reached by HTTP or HTTPS only', () => {
    for (const url of ['', 'ftp://127.0.0.1', 'unix:/x'])
      expect(() => connect(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

/** What it rejects with. */
async function failure(call: Promise<unknown>): Promise<Error> {
  return await call.then(
    () => expect.unreachable('it was to fail'),
    (error: Error) => error,
  );
}

/** Both sides are in this process: what one has written the other has read a few turns later. */
async function turns(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}
