/** A secret store behind a port: the contract as data, the end that serves it, and the end that is it. */
import type { PluginInstance } from '../plugin.ts';
import type { RotationProgress, SecretStore, SecretStoreCapabilities } from '../secret-store.ts';
import { connectPort } from './port-client.ts';
import { servePort } from './port-server.ts';
import type { PortLike } from './protocol.ts';

type UnaryCall =
  | { readonly method: 'health' | 'close' }
  | { readonly method: 'put'; readonly key: string; readonly bytes: Uint8Array }
  | { readonly method: 'get'; readonly key: string }
  | { readonly method: 'delete'; readonly key: string };
type StreamCall = { readonly method: 'list'; readonly prefix: string } | { readonly method: 'rotate' };
type Call = UnaryCall | StreamCall;

const LIST_WINDOW = 64;

/** Serves `store` on `port` until the port closes, and closes it then. The other end is `connectSecretStore`. */
export function hostSecretStore(store: SecretStore & PluginInstance, port: PortLike): void {
  servePort<Call>(port, {
    facts: store.capabilities,
    call: (call) => callStore(store, call as UnaryCall),
    open: (call, signal) => openStream(store, call as StreamCall, signal),
    lost: () => store.close(),
  });
}

async function callStore(store: SecretStore & PluginInstance, call: UnaryCall): Promise<unknown> {
  switch (call.method) {
    case 'health':
      return store.health();
    case 'close':
      return store.close();
    case 'put':
      return store.put(call.key, call.bytes);
    case 'get':
      return store.get(call.key);
    case 'delete':
      return store.delete(call.key);
    default:
      return call satisfies never;
  }
}

function openStream(store: SecretStore, call: StreamCall, signal: AbortSignal): AsyncIterable<unknown> {
  switch (call.method) {
    case 'list':
      return store.list(call.prefix, signal);
    case 'rotate':
      return store.rotate(signal);
    default:
      return call satisfies never;
  }
}

/** Connects to what `hostSecretStore` serves; when the port dies, what is pending and every later call reject with `UNAVAILABLE`. */
export async function connectSecretStore(port: PortLike): Promise<SecretStore & PluginInstance> {
  const client = await connectPort<Call>(port);
  let closed: Promise<void> | undefined;
  return {
    capabilities: client.facts as SecretStoreCapabilities,
    async put(key, value) {
      await client.call({ method: 'put', key, bytes: value });
    },
    get: (key) => client.call({ method: 'get', key }) as Promise<Uint8Array>,
    async delete(key) {
      await client.call({ method: 'delete', key });
    },
    list: (prefix, signal) => client.stream({ method: 'list', prefix }, LIST_WINDOW, signal) as AsyncIterable<string>,
    rotate: (signal) => client.stream({ method: 'rotate' }, 0, signal) as AsyncIterable<RotationProgress>,
    async health() {
      await client.call({ method: 'health' });
    },
    close() {
      closed ??= client.call({ method: 'close' }).then(() => client.close());
      return closed;
    },
  };
}
