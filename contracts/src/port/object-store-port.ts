/** An object store behind a port: the contract as data, the end that serves it, and the end that is it. */
import { GoferError } from '../errors.ts';
import type { ObjectRange, ObjectStat, ObjectStore, StoredObject } from '../object-store.ts';
import type { PluginInstance } from '../plugin.ts';
import { connectPort } from './port-client.ts';
import { servePort } from './port-server.ts';
import type { PortLike } from './protocol.ts';

type UnaryCall =
  | { readonly method: 'health' | 'close' }
  | { readonly method: 'stat'; readonly key: string }
  | { readonly method: 'delete'; readonly key: string };
type StreamCall =
  /** One item, the result: its input is the body. */
  | { readonly method: 'put'; readonly key: string }
  | { readonly method: 'get'; readonly key: string; readonly range: ObjectRange | undefined }
  | { readonly method: 'list'; readonly prefix: string };
type Call = UnaryCall | StreamCall;

/** Pieces that `get` may read ahead of its reader. */
const READ_WINDOW = 2;
const LIST_WINDOW = 64;

/** Serves `store` on `port` until the port closes, and closes it then. The other end is `connectObjectStore`. */
export function hostObjectStore(store: ObjectStore & PluginInstance, port: PortLike): void {
  servePort<Call>(port, {
    facts: undefined,
    call: (call) => callStore(store, call as UnaryCall),
    open: (call, signal, input) => openStream(store, call as StreamCall, signal, input as AsyncIterable<Uint8Array> | undefined),
    lost: () => store.close(),
  });
}

async function callStore(store: ObjectStore & PluginInstance, call: UnaryCall): Promise<unknown> {
  switch (call.method) {
    case 'health':
      return store.health();
    case 'close':
      return store.close();
    case 'stat':
      return store.stat(call.key);
    case 'delete':
      return store.delete(call.key);
    default:
      return call satisfies never;
  }
}

function openStream(
  store: ObjectStore,
  call: StreamCall,
  signal: AbortSignal,
  input: AsyncIterable<Uint8Array> | undefined,
): AsyncIterable<unknown> {
  switch (call.method) {
    case 'put':
      return onePut(store, call.key, signal, input);
    case 'get':
      return store.get(call.key, call.range, signal);
    case 'list':
      return store.list(call.prefix, signal);
    default:
      return call satisfies never;
  }
}

async function* onePut(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
  input: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<ObjectStat> {
  if (input === undefined) throw new GoferError('INVALID_ARGUMENT', 'a put needs a body');
  yield await store.put(key, signal, input);
}

/** Connects to what `hostObjectStore` serves; when the port dies, what is pending and every later call reject with `UNAVAILABLE`. */
export async function connectObjectStore(port: PortLike): Promise<ObjectStore & PluginInstance> {
  const client = await connectPort<Call>(port);
  let closed: Promise<void> | undefined;
  return {
    async put(key, signal, body) {
      for await (const stat of client.stream({ method: 'put', key }, 0, signal, body)) return stat as ObjectStat;
      throw new GoferError('INTERNAL', 'the plugin ended a put without a result');
    },
    get: (key, range, signal) => client.stream({ method: 'get', key, range }, READ_WINDOW, signal) as AsyncIterable<Uint8Array>,
    stat: (key) => client.call({ method: 'stat', key }) as Promise<ObjectStat>,
    async delete(key) {
      await client.call({ method: 'delete', key });
    },
    list: (prefix, signal) => client.stream({ method: 'list', prefix }, LIST_WINDOW, signal) as AsyncIterable<StoredObject>,
    async health() {
      await client.call({ method: 'health' });
    },
    close() {
      closed ??= client.call({ method: 'close' }).then(() => client.close());
      return closed;
    },
  };
}
