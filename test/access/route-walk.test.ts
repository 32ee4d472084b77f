/** Every route, called by everybody, against a table that was written by hand: nobody gets in where they do not belong. */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer, type Sent } from './access-server.ts';
import { type Caller, gatherCallers, LOG_RETENTION } from './callers.ts';
import { knock } from './knock.ts';
import { ANONYMOUS_ROUTES, COLUMNS, fillPath, LAST, PATHS, ROUTE_TABLE, verdictOf } from './route-table.ts';

const ALL = Object.entries(ROUTES) as [OperationId, RouteDefinition][];
const ordered = [...ALL.map(([id]) => id).filter((id) => !LAST.includes(id)), ...LAST];

describe('the table of who may call what', () => {
  it('has a row for every route, with a verdict for everybody', () => {
    const missing = Object.keys(ROUTES).filter((id) => !Object.hasOwn(ROUTE_TABLE, id));
    expect(missing, 'each of these routes needs a row in ROUTE_TABLE, test/access/route-table.ts').toEqual([]);
    const unknown = Object.keys(ROUTE_TABLE).filter((id) => !Object.hasOwn(ROUTES, id));
    expect(unknown, 'these rows of test/access/route-table.ts are of no route').toEqual([]);
    for (const [id] of ALL) for (const column of COLUMNS) verdictOf(id, column);
  });
});

describe('a server that asks for tokens', () => {
  let server: AccessServer;
  let callers: readonly Caller[];
  const callerOf = (name: string): Sent => {
    const caller = callers.find((each) => each.name === name);
    if (caller === undefined) throw new Error(`nobody is called ${name}`);
    return caller.sent;
  };
  beforeAll(async () => {
    server = await AccessServer.start({ 'api.task_execution_log_retention': String(LOG_RETENTION) });
    callers = await gatherCallers(server);
  });
  afterAll(() => server.close());

  it('takes a token in the URL or among the sub-protocols of a WebSocket, and nowhere else', async () => {
    const { token = '' } = callerOf('user');
    for (const [id, route] of ALL) {
      const path = fillPath(route.path, PATHS[id]);
      const ways: [Sent, string][] = [
        [{}, `${path}?token=${token}`],
        [{ headers: { 'sec-websocket-protocol': `gofer.token.${token}` } }, path],
      ];
      for (const [sent, target] of ways) {
        const { verdict, shown } = await knock(server, id, sent, { path: target });
        const column = route.kind === 'websocket' ? 'user' : 'nobody';
        expect(verdict, `${id} at ${target}: ${shown}`).toBe(verdictOf(id, column));
      }
    }
  });

  it('refuses bad tokens in the URL and among the sub-protocols of a WebSocket, whatever good ones come beside them', async () => {
    const [wrong, good] = [callerOf('a wrong token').token ?? '', callerOf('user').token ?? ''];
    const cookie = callerOf('a session of user').cookie;
    for (const id of ['get_logs', 'stream_events'] as const) {
      const path = fillPath(ROUTES[id].path);
      const ways: [Sent, string][] = [
        [{}, `${path}?token=${wrong}`],
        [{ cookie }, `${path}?token=${wrong}`],
        [{ cookie, headers: { 'sec-websocket-protocol': `gofer.token.${wrong}` } }, path],
        [{ token: wrong }, `${path}?token=${good}`],
        [{ token: wrong, headers: { 'sec-websocket-protocol': `gofer.token.${good}` } }, path],
        [{ headers: { 'sec-websocket-protocol': 'gofer.token.' } }, path],
      ];
      for (const [sent, target] of ways) {
        const { verdict, shown } = await knock(server, id, sent, { path: target });
        expect(verdict, `${id} at ${target}: ${shown}`).toBe('U');
      }
    }
  });

  it('reads credentials before anything else of a request', async () => {
    const headers = { 'gofer-api-version': 'v9' };
    expect((await server.call('POST', '/api/tokens', { headers, body: Buffer.from('{') })).code).toBe('UNAUTHENTICATED');
    expect((await server.call('POST', '/api/tokens', { ...callerOf('user'), headers, body: {} })).code).toBe('UNSUPPORTED_VERSION');
    expect((await server.call('POST', '/api/tokens', { ...callerOf('user'), body: Buffer.from('{') })).code).toBe('PERMISSION_DENIED');
    expect((await server.call('GET', '/api/nowhere', {})).code).toBe('NOT_FOUND');
  });

  it('answers HEAD as it answers GET', async () => {
    for (const [id, route] of ALL.filter(([, { method, kind }]) => method === 'GET' && kind !== 'websocket')) {
      for (const caller of callers.filter(({ name }) => ['no token', 'neighbour', 'user'].includes(name))) {
        const { status } = await server.call('HEAD', fillPath(route.path), caller.sent);
        expect(status === 401, `HEAD of ${id} by ${caller.name}: ${status}`).toBe(verdictOf(id, caller.column) !== '+');
      }
    }
  });

  it('lets in whom the table lets in, and nobody else', async () => {
    const wrong: string[] = [];
    for (const id of ordered) {
      // What is let in may change something: those who are not are asked first.
      const inOrder = callers.toSorted((a, b) => Number(verdictOf(id, a.column) === '+') - Number(verdictOf(id, b.column) === '+'));
      for (const { name, column, sent } of inOrder) {
        const { verdict, shown } = await knock(server, id, sent);
        const expected = verdictOf(id, column);
        if (verdict !== expected) wrong.push(`${id} by ${name}: ${shown} where the table says ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('a server with server.anonymous_read', () => {
  let server: AccessServer;
  beforeAll(async () => {
    server = await AccessServer.start({ 'server.anonymous_read': 'true' });
  });
  afterAll(() => server.close());

  it('lets whoever sends no token read what the role anonymous may, and nothing else', async () => {
    const nobody: Sent[] = [{}, { headers: { authorization: 'Bearer' } }, { headers: { authorization: 'Bearer  ' } }];
    for (const [id] of ALL) {
      for (const sent of nobody) {
        const { verdict, shown } = await knock(server, id, sent);
        expect(verdict, `${id}: ${shown}`).toBe(ANONYMOUS_ROUTES.includes(id) ? '+' : verdictOf(id, 'nobody'));
      }
    }
    for (const id of ANONYMOUS_ROUTES) {
      const elsewhere = fillPath(ROUTES[id].path, { namespace_id: 'other' });
      expect((await knock(server, id, {}, { path: elsewhere })).verdict, `${id} elsewhere`).toBe('-');
    }
  });

  it('takes no wrong credentials for none', async () => {
    const wrong: Sent[] = [
      { token: 'gofer_wrong' },
      { token: 'wrong' },
      { cookie: 'wrong' },
      { headers: { authorization: 'Basic YTpi' } },
      { headers: { authorization: 'wrong' } },
    ];
    for (const [id] of ALL) {
      for (const sent of wrong) {
        const { verdict, shown } = await knock(server, id, sent);
        expect(verdict, `${id} with ${JSON.stringify(sent)}: ${shown}`).toBe(verdictOf(id, 'nobody'));
      }
    }
  });
});
