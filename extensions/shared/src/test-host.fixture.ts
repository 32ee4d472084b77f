/** A server in memory, as extensions see it: with idempotency keys, objects and events, a clock that is turned by hand, and faults. */
import { setImmediate } from 'node:timers/promises';
import {
  type Extension,
  type ExtensionFactory,
  type ExtensionHost,
  type GoferEvent,
  GoferRequestError,
  type PipelineName,
  type RunState,
  type StartRunOptions,
  type Subscription,
} from '@gofer/sdk/extension';

export class TurnedClock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now = (): number => this.#now;

  at = (at: number, callback: () => void): (() => void) => {
    const timer = { at, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Every timer on the way is called when it is its time, and what it sets off has ended before the next. */
  async turnTo(time: number): Promise<void> {
    for (;;) {
      await settle();
      const next = [...this.#timers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
    }
    this.#now = time;
    await settle();
  }

  turn(milliseconds: number): Promise<void> {
    return this.turnTo(this.#now + milliseconds);
  }

  /** As somebody who sets the machine's clock: timers are looked at again only then. */
  set(time: number): void {
    this.#now = time;
  }
}

async function settle(): Promise<void> {
  // Chains of promises, and of those that begin where these end.
  for (let round = 0; round < 3; round += 1) await setImmediate();
}

export interface Started {
  readonly pipeline: string;
  readonly runId: number;
  readonly key: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly at: number;
}

/** What becomes of a request: it is served, refused with this status, or served and its answer lost. */
export type Fault = 'none' | 'lost' | number;

export class TestServer {
  readonly clock: TurnedClock;
  readonly started: Started[] = [];
  readonly objects = new Map<string, string>();
  readonly logged: string[] = [];
  requests = 0;
  writes = 0;
  /** The most requests for runs that were under way at once. */
  mostAtOnce = 0;
  fault: (what: 'start' | 'get' | 'put', pipeline: string) => Fault = () => 'none';
  /** How long the server takes for a run of this pipeline, in milliseconds. */
  latency: (pipeline: string) => number = () => 0;
  /** Whoever follows events is told so, once. */
  streamFault: string | undefined;
  readonly ended = new Set<number>();
  readonly #keys = new Map<string, number>();
  readonly #events: GoferEvent[] = [];
  #arrived = Promise.withResolvers<void>();
  #atOnce = 0;

  constructor(start: string) {
    this.clock = new TurnedClock(start);
  }

  /** A life of an extension. What it does after `die` reaches nobody. */
  async launch(factory: ExtensionFactory, config: Readonly<Record<string, string>> = {}): Promise<Life> {
    const life = { dead: false };
    const ending = new AbortController();
    const alive = <Result>(result: () => Result): Result | Promise<never> => (life.dead ? new Promise<never>(() => undefined) : result());
    const timers = new Set<() => void>();
    const host: ExtensionHost = {
      id: 'tested',
      config: (key) => config[key],
      clock: {
        now: this.clock.now,
        at: (time, callback) => {
          const cancel = this.clock.at(time, () => {
            timers.delete(cancel);
            callback();
          });
          timers.add(cancel);
          return cancel;
        },
      },
      log: (level, message) => this.logged.push(`${level} ${message}`),
      signal: ending.signal,
      objects: {
        get: async (key) => {
          const text = this.objects.get(key);
          return text === undefined ? undefined : new TextEncoder().encode(text);
        },
        put: async (key, body) =>
          alive(() => {
            this.#fail(this.fault('put', ''));
            this.writes += 1;
            this.objects.set(key, String(body));
          }),
        delete: async (key) => void this.objects.delete(key),
        list: async () => [...this.objects.keys()],
      },
      gofer: {
        startRun: async (pipeline, options) => alive(() => this.#startRun(pipeline, options)),
        getRun: async (pipeline, runId) => alive(() => this.#getRun(pipeline, runId)),
        events: ({ after, signal }) => this.#follow(after, signal),
      },
    };
    const extension = factory(host);
    await extension.start?.();
    return {
      extension,
      die: () => {
        life.dead = true;
        for (const cancel of timers) cancel();
      },
    };
  }

  /** As the server's own clock has it. */
  emit(payload: Readonly<Record<string, unknown>>): string {
    const id = `event-${String(this.#events.length).padStart(6, '0')}`;
    this.#events.push({ id, kind: 'completed_run', payload, emitted: this.clock.now() });
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
    return id;
  }

  async #startRun({ namespaceId, pipelineId }: PipelineName, { idempotencyKey, variables = {}, signal }: StartRunOptions) {
    const pipeline = `${namespaceId}/${pipelineId}`;
    this.requests += 1;
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      const latency = this.latency(pipeline);
      if (latency > 0) await this.#wait(latency, signal);
      const fault = this.fault('start', pipeline);
      if (typeof fault === 'number') this.#fail(fault);
      const known = this.#keys.get(`${pipeline} ${idempotencyKey}`);
      const runId = known ?? this.#keys.size + 1;
      if (known === undefined) {
        this.#keys.set(`${pipeline} ${idempotencyKey}`, runId);
        this.started.push({ pipeline, runId, key: idempotencyKey, variables, at: this.clock.now() });
      }
      this.#fail(fault);
      return { runId };
    } finally {
      this.#atOnce -= 1;
    }
  }

  #getRun({ namespaceId, pipelineId }: PipelineName, runId: number): RunState {
    this.#fail(this.fault('get', `${namespaceId}/${pipelineId}`));
    const state = this.ended.has(runId) ? 'complete' : 'running';
    return { runId, state, status: state === 'complete' ? 'successful' : 'unknown', started: 1, ended: state === 'complete' ? 2 : 0 };
  }

  async *#follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<GoferEvent> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const found = this.#events.findIndex(({ id }) => id === after);
    for (let next = found + 1; !signal.aborted; ) {
      if (this.streamFault !== undefined) {
        const message = this.streamFault;
        this.streamFault = undefined;
        throw new GoferRequestError(0, 'PERMISSION_DENIED', message);
      }
      const event = this.#events[next];
      if (event === undefined) {
        await Promise.race([this.#arrived.promise, aborted]);
        continue;
      }
      next += 1;
      yield event;
    }
  }

  #fail(fault: Fault): void {
    if (fault === 'none') return;
    if (fault === 'lost') throw new GoferRequestError(0, 'UNAVAILABLE', 'the answer was lost');
    throw new GoferRequestError(fault, undefined, `the server says ${fault}`);
  }

  #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.clock.at(this.clock.now() + milliseconds, resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

export interface Life {
  readonly extension: Extension;
  /** As a process that is killed. */
  readonly die: () => void;
}

export function subscription(pipelineId: string, params: Readonly<Record<string, string>>, subscriptionId = 'sub'): Subscription {
  return { namespaceId: 'default', pipelineId, subscriptionId, params };
}
