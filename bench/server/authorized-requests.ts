/** What it adds to a request to ask who sends it and whether they may: the same requests to a server that asks and to one that does not, in turn. */
import { BenchServer } from './bench-server.ts';
import { median, type Row } from './measurement.ts';

const ROLES = 100;
const PATTERNS = 20;
const ROUNDS = 3000;
const WARM_UP = 500;
const GOAL_MICROSECONDS = 50;
const PIPELINES = '/api/namespaces/default/pipelines';

export async function authorizedRequests(): Promise<Row[]> {
  const open = await BenchServer.start('fake');
  const asking = await BenchServer.start('fake', [
    'development.bypass_auth=false',
    'secret_store.sqlite.encryption_key=0123456789abcdef0123456789abcdef',
  ]);
  try {
    const admin = await bootstrap(asking);
    asking.token = admin;
    for (const server of [open, asking]) await server.register('demo', [{ id: 'one', command: ['true'] }]);
    const many = await tokenOfManyRoles(asking);
    const rows: Row[] = [];
    const compare = async (name: string, token: string, path: (round: number) => string, goal: boolean): Promise<void> => {
      asking.token = token;
      rows.push(await added(name, open, asking, path, goal));
    };
    await compare(
      `a token of ${ROLES} roles of ${PATTERNS} patterns, none of which matches but the last`,
      many,
      () => `${PIPELINES}/demo`,
      true,
    );
    await compare('the same, another pipeline with every request', many, (round) => `${PIPELINES}/demo-${round}`, false);
    await compare('a token of an administrator', admin, () => `${PIPELINES}/demo`, true);
    return rows;
  } finally {
    await Promise.all([open.stop(), asking.stop()]);
  }
}

async function bootstrap(server: BenchServer): Promise<string> {
  const answer = await server.call('POST', '/api/tokens/bootstrap');
  return (JSON.parse(answer.body.toString()) as { secret: string }).secret;
}

/** Each role has what the route needs, in other places: nothing but its patterns tells that it does not grant. */
async function tokenOfManyRoles(server: BenchServer): Promise<string> {
  const ids = Array.from({ length: ROLES }, (_, role) => `role-${role}`);
  for (const [role, id] of ids.entries()) {
    const targets = Array.from({ length: PATTERNS }, (_, pattern) => `pipelines:team-${role}-${pattern}-[a-z]+(-prod)?`);
    if (role === ROLES - 1) targets[PATTERNS - 1] = 'pipelines:d[e]mo(-\\d+)?';
    await create(server, '/api/roles', {
      id,
      description: '',
      permissions: [{ resources: ['namespaces', ...targets], actions: ['read'] }],
    });
  }
  const { secret } = (await create(server, '/api/tokens', { user: 'bench', roles: ids, expires: 0 })) as { secret: string };
  return secret;
}

async function create(server: BenchServer, path: string, body: unknown): Promise<unknown> {
  const answer = await server.call('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString());
}

/** One request to each in turn, and each of them first every other time, so that whatever else the machine does falls on both. */
async function added(
  name: string,
  open: BenchServer,
  asking: BenchServer,
  path: (round: number) => string,
  hasGoal: boolean,
): Promise<Row> {
  const times = new Map<BenchServer, number[]>([
    [open, []],
    [asking, []],
  ]);
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const server of round % 2 === 0 ? [open, asking] : [asking, open]) {
      const started = performance.now();
      const { status } = await server.call('GET', path(round));
      if (status !== 200 && status !== 404) throw new Error(`${path(round)}: ${status}`);
      if (round >= WARM_UP) times.get(server)?.push((performance.now() - started) * 1000);
    }
  }
  const without = median(times.get(open) ?? []);
  const difference = median(times.get(asking) ?? []) - without;
  return {
    name,
    measured: `+${difference.toFixed(0)} µs`,
    baseline: `${without.toFixed(0)} µs without the check`,
    goal: hasGoal ? `< ${GOAL_MICROSECONDS} µs` : '',
    met: !hasGoal || difference < GOAL_MICROSECONDS,
  };
}
