/** A request of a route that says only whether it is let in: whatever the route then makes of it. */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { RefusedUpgrade } from '../clients/open-socket.ts';
import type { AccessServer, Sent } from './access-server.ts';
import { fillPath, PATHS, type Verdict } from './route-table.ts';

export interface Knock {
  readonly verdict: Verdict | 'F';
  /** What was answered, for a person. */
  readonly shown: string;
}

const VERDICTS: Readonly<Record<string, Verdict | 'F'>> = { UNAUTHENTICATED: 'U', PERMISSION_DENIED: '-', FORBIDDEN: 'F' };

function toKnock(status: number, code: string | undefined, challenge: string | undefined): Knock {
  const verdict = VERDICTS[code ?? ''] ?? '+';
  const shown = `${status} ${code ?? ''}`;
  if (verdict === 'F' || verdict === '+') return { verdict, shown };
  // RFC 6750 §3: whoever is refused hears how to come back.
  const isWhole = status === 401 && challenge?.startsWith('Bearer realm="gofer"') === true;
  return isWhole ? { verdict, shown } : { verdict: 'F', shown: `${shown}, www-authenticate: ${challenge}` };
}

/** `path`: another than the table's. `base`: another listener than the main one. */
export async function knock(
  server: AccessServer,
  id: OperationId,
  sent: Sent,
  { path = fillPath(ROUTES[id].path, PATHS[id]), base = server.url }: { readonly path?: string; readonly base?: string } = {},
): Promise<Knock> {
  const route: RouteDefinition = ROUTES[id];
  if (route.kind === 'websocket') {
    try {
      const { socket } = await server.socket(path, sent, [], base);
      socket.close();
      return { verdict: '+', shown: 'open' };
    } catch (error) {
      if (!(error instanceof RefusedUpgrade)) throw error;
      return toKnock(error.status, error.body.error_code, 'Bearer realm="gofer"');
    }
  }
  const body = route.kind === 'upload' ? Buffer.from('body') : route.body === undefined ? undefined : {};
  const answer = await server.call(route.method, path, { ...sent, ...(body === undefined ? {} : { body }) }, base);
  if (/There is nothing at/.test(answer.text)) throw new Error(`${id}: ${route.method} ${path} leads nowhere`);
  return toKnock(answer.status, answer.code, answer.headers['www-authenticate']);
}
