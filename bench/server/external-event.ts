/**
 * How long it takes from an event that comes in from outside to the run that it starts: through the listener, the database, an extension
 * in a process of its own, and back. Beside it runs that are started by a request, in the same way of measuring: until the event of the
 * run that was queued is here.
 */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { openSocket, type Socket } from '../../test/clients/open-socket.ts';
import { BenchServer } from './bench-server.ts';
import { median, ms, percentile, type Row } from './measurement.ts';

const EVENTS = 500;
const WARM_UP = 50;
const GOAL_MEDIAN_MS = 20;
const SECRET = 'a secret of the bench';
const PIPELINE = '/api/namespaces/default/pipelines/hooked';

export async function externalEvents(): Promise<Row[]> {
  const server = await BenchServer.start('fake', [
    'external_events.bind_address=127.0.0.1:0',
    'external_events.requests_per_minute=0',
    'external_events.sender_requests_per_minute=0',
    'development.pretty_logging=false',
  ]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await server.register('hooked', [{ id: 'only', command: ['true'] }]);
    await create(server, '/api/extensions?wait=60', { id: 'webhook', image: 'builtin:webhook', settings: {} });
    const subscription = { extension_id: 'webhook', subscription_id: 'bench', settings: { secret: SECRET } };
    await create(server, `${PIPELINE}/subscriptions`, subscription);
    const watched = await openSocket(`ws://${server.url.host}/api/events`, [], { 'gofer-api-version': 'v0' });
    const queued = new Arrivals(watched);
    const [outside, taken, direct]: number[][] = [[], [], []];
    for (let round = 0; round < EVENTS + WARM_UP; round += 1) {
      const before = queued.count;
      const sent = performance.now();
      const answered = await send(server, agent, JSON.stringify({ round }));
      const started = await queued.next(before);
      const again = queued.count;
      const asked = performance.now();
      await create(server, `${PIPELINE}/runs`, { variables: {} });
      const ran = await queued.next(again);
      if (round < WARM_UP) continue;
      outside?.push(started - sent);
      taken?.push(answered - sent);
      direct?.push(ran - asked);
    }
    watched.socket.close();
    await watched.closed;
    const all = outside ?? [];
    const beside = direct ?? [];
    return [
      {
        name: `an event from outside until its run is queued, ${EVENTS} one after the other`,
        measured: `${ms(median(all))} median, ${ms(percentile(all, 99))} p99 (×${(median(all) / median(beside)).toFixed(1)})`,
        baseline: `${ms(median(beside))} median, ${ms(percentile(beside, 99))} p99 from a request`,
        goal: `< ${GOAL_MEDIAN_MS} ms median`,
        met: median(all) < GOAL_MEDIAN_MS,
      },
      {
        name: 'the same until its sender has the answer, which is once it is on the disk',
        measured: `${ms(median(taken ?? []))} median, ${ms(percentile(taken ?? [], 99))} p99`,
        baseline: '',
        goal: '',
        met: true,
      },
    ];
  } finally {
    agent.destroy();
    await server.stop();
  }
}

/** When each run that was queued was told of over the socket. */
class Arrivals {
  readonly #times: number[] = [];
  #wake: (() => void) | undefined;

  constructor({ socket }: Socket) {
    socket.on('message', (text: Buffer) => {
      if (!text.includes('"queued_run"')) return;
      this.#times.push(performance.now());
      this.#wake?.();
    });
  }

  get count(): number {
    return this.#times.length;
  }

  /** The time of the next one after so many. */
  async next(count: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#times.length > count) resolve();
    const timer = setTimeout(() => reject(new Error('no run was queued within 30 s')), 30_000);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    return this.#times[count] ?? Number.NaN;
  }
}

async function create(server: BenchServer, path: string, body: unknown): Promise<void> {
  const answer = await server.call('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.body.toString()}`);
}

/** Resolves with the time of the answer. */
function send(server: BenchServer, agent: Agent, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const time = String(Math.floor(Date.now() / 1000));
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-gofer-webhook': 'default/hooked/bench',
    'x-gofer-timestamp': time,
    'x-gofer-signature-256': `sha256=${createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex')}`,
  };
  const sent = request(`${server.externalEvents}/events/webhook`, { method: 'POST', agent, headers }, (answer) => {
    answer.resume();
    answer.once('error', reject);
    answer.once('end', () =>
      answer.statusCode === 204 ? resolve(performance.now()) : reject(new Error(`an event was answered with ${answer.statusCode}`)),
    );
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}
