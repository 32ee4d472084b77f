import type { MessagePort } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { GoferError } from '../errors.ts';
import type { PortClient } from './port-client.ts';
import { connectPort } from './port-client.ts';
import type { PortTarget } from './port-server.ts';
import { servePort } from './port-server.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

interface Pair {
  readonly client: PortClient<string>;
  readonly server: MessagePort;
}

async function connect(target: Partial<PortTarget<string>>): Promise<Pair> {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  servePort<string>(port1, {
    facts: { of: 'test' },
    call: async (call) => call,
    open: () => {
      throw new GoferError('UNSUPPORTED', 'no streams here');
    },
    lost: async () => undefined,
    ...target,
  });
  return { client: await connectPort<string>(port2), server: port1 };
}

const NEVER = new AbortController().signal;
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new GoferError('CANCELLED', 'given up')), { once: true }));

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Counts upwards and notes how far it was asked, and whether it was left. */
function counter(limit: number): { asked: number; left: boolean; open: () => AsyncIterable<unknown> } {
  const state = {
    asked: 0,
    left: false,
    async *open() {
      try {
        while (state.asked < limit) yield state.asked++;
      } finally {
        state.left = true;
      }
    },
  };
  return state;
}

describe('a port', () => {
  it('tells what the server says of itself', async () => {
    expect((await connect({})).client.facts).toEqual({ of: 'test' });
  });

  it('answers many calls at once, each with its own result', async () => {
    const { client } = await connect({ call: async (call) => `${call}!` });
    const calls = Array.from({ length: 100 }, (_, index) => client.call(String(index)));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, (_, index) => `${index}!`));
  });

  it('carries a failure with its code and details', async () => {
    const details = [{ path: '$.a', message: 'is wrong' }];
    const { client } = await connect({ call: () => Promise.reject(new GoferError('NOT_FOUND', 'not here', { details })) });
    await expect(client.call('x')).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'not here', details });
  });

  it('reports a result that cannot be cloned', async () => {
    const { client } = await connect({ call: async () => () => 1 });
    await expect(client.call('x')).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('rejects an argument that cannot be cloned', async () => {
    const { client } = await connect({});
    await expect(client.call((() => 1) as unknown as string)).rejects.toThrow('could not be cloned');
    await expect(client.call('still works')).resolves.toBe('still works');
  });

  it('carries an abort, one from before the call too', async () => {
    const { client } = await connect({
      call: (_, signal) => (signal.aborted ? Promise.reject(new GoferError('CANCELLED', 'at once')) : aborted(signal)),
    });
    const controller = new AbortController();
    const pending = client.call('x', controller.signal);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'CANCELLED', message: 'given up' });
    await expect(client.call('x', AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED', message: 'at once' });
  });

  it.each([0, 1, 8])('streams every item in order with a window of %i', async (window) => {
    const source = counter(500);
    const { client } = await connect({ open: source.open });
    expect(await collect(client.stream('x', window, NEVER))).toEqual(Array.from({ length: 500 }, (_, index) => index));
    expect(source.left).toBe(true);
  });

  it.each([0, 4])('asks the source for no more than the reader and a window of %i', async (window) => {
    const source = counter(100);
    const { client } = await connect({ open: source.open });
    const reader = client.stream('x', window, NEVER)[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    // A round trip: whatever was asked for has been asked for by then.
    await client.call('done');
    await client.call('done');
    expect(source.asked).toBe(2 + window);
    await reader.return?.();
    expect(source.left).toBe(true);
  });

  it('ends a source that waits when its reader leaves', async () => {
    let left = false;
    const { client } = await connect({
      async *open(_, signal) {
        try {
          yield 1;
          await aborted(signal);
        } finally {
          left = true;
        }
      },
    });
    for await (const item of client.stream('x', 4, NEVER)) {
      expect(item).toBe(1);
      break;
    }
    expect(left).toBe(true);
  });

  it('carries the failure of a stream behind the items before it', async () => {
    const { client } = await connect({
      async *open() {
        yield 1;
        throw new GoferError('UNAVAILABLE', 'gone');
      },
    });
    const items: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const item of client.stream('x', 4, NEVER)) items.push(item);
    };
    await expect(read()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(items).toEqual([1]);
  });

  it('rejects where a stream cannot be opened', async () => {
    const { client } = await connect({});
    await expect(collect(client.stream('x', 0, NEVER))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('carries an input, one item for each that is asked for, and its failure', async () => {
    const { client } = await connect({ open: (_, __, input) => input ?? counter(0).open() });
    const input = counter(5);
    expect(await collect(client.stream('x', 0, NEVER, input.open()))).toEqual([0, 1, 2, 3, 4]);

    const unread = counter(50);
    for await (const item of client.stream('x', 0, NEVER, unread.open())) if (item === 2) break;
    expect(unread).toMatchObject({ asked: 3, left: true });

    async function* failing(): AsyncGenerator {
      yield 1;
      throw new GoferError('RESOURCE_EXHAUSTED', 'too much');
    }
    await expect(collect(client.stream('x', 0, NEVER, failing()))).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });

  it('sends a view of a large buffer without the buffer', async () => {
    const { client } = await connect({
      async *open() {
        yield { bytes: new Uint8Array(1_000_000).subarray(10, 20) };
      },
    });
    const [item] = (await collect(client.stream('x', 0, NEVER))) as [{ bytes: Uint8Array }];
    expect(item.bytes.buffer.byteLength).toBe(10);
  });

  it('rejects everything pending, and everything after, when it dies', async () => {
    const lost = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { client, server } = await connect({
      call: (_, signal) => aborted(signal).catch(() => ended.resolve()),
      async *open(_, signal) {
        yield 1;
        await aborted(signal);
      },
      lost: async () => lost.resolve(),
    });
    const pending = client.call('x');
    const reader = client.stream('x', 2, NEVER)[Symbol.asyncIterator]();
    await reader.next();
    const next = reader.next();
    server.close();
    const unavailable = { code: 'UNAVAILABLE' };
    await expect(pending).rejects.toMatchObject(unavailable);
    await expect(next).rejects.toMatchObject(unavailable);
    await expect(client.call('x')).rejects.toMatchObject(unavailable);
    await expect(collect(client.stream('x', 0, NEVER))).rejects.toMatchObject(unavailable);
    // The plugin's end stops what it was doing, too.
    await Promise.all([lost.promise, ended.promise]);
  });

  it('refuses to connect to what dies before it is ready', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    await expect(connectPort(port2)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
