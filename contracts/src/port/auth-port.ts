/** An auth plugin behind a port: the contract as data, the end that serves it, and the end that is it. */
import type { Auth, AuthCapabilities, AuthPrincipal, Credentials, LoginRequest } from '../auth.ts';
import { GoferError } from '../errors.ts';
import type { PluginInstance } from '../plugin.ts';
import { connectPort } from './port-client.ts';
import { servePort } from './port-server.ts';
import type { PortLike } from './protocol.ts';

type Call =
  | { readonly method: 'health' | 'close' }
  | { readonly method: 'authenticate'; readonly credentials: Credentials }
  | { readonly method: 'beginLogin'; readonly request: LoginRequest }
  | { readonly method: 'completeLogin'; readonly request: LoginRequest; readonly answer: Readonly<Record<string, string>> };

/** Serves `auth` on `port` until the port closes, and closes it then. The other end is `connectAuth`. */
export function hostAuth(auth: Auth & PluginInstance, port: PortLike): void {
  servePort<Call>(port, {
    facts: auth.capabilities,
    call: (call) => callAuth(auth, call),
    open: (call) => {
      throw new GoferError('UNSUPPORTED', `${call.method} is no stream`);
    },
    lost: () => auth.close(),
  });
}

async function callAuth(auth: Auth & PluginInstance, call: Call): Promise<unknown> {
  switch (call.method) {
    case 'health':
      return auth.health();
    case 'close':
      return auth.close();
    case 'authenticate':
      return auth.authenticate(call.credentials);
    case 'beginLogin':
      return auth.beginLogin(call.request);
    case 'completeLogin':
      return auth.completeLogin(call.request, call.answer);
    default:
      return call satisfies never;
  }
}

/** Connects to what `hostAuth` serves; when the port dies, what is pending and every later call reject with `UNAVAILABLE`. */
export async function connectAuth(port: PortLike): Promise<Auth & PluginInstance> {
  const client = await connectPort<Call>(port);
  let closed: Promise<void> | undefined;
  return {
    capabilities: client.facts as AuthCapabilities,
    authenticate: (credentials) => client.call({ method: 'authenticate', credentials }) as Promise<AuthPrincipal>,
    beginLogin: (request) => client.call({ method: 'beginLogin', request }) as Promise<{ readonly url: string }>,
    completeLogin: (request, answer) => client.call({ method: 'completeLogin', request, answer }) as Promise<AuthPrincipal>,
    async health() {
      await client.call({ method: 'health' });
    },
    close() {
      closed ??= client.call({ method: 'close' }).then(() => client.close());
      return closed;
    },
  };
}
