/** What an extension is tested with: a Gofer server in memory over real HTTP, and a clock that the test turns. */
import { randomUUID } from 'node:crypto';
import type { ExtensionFactory, ExtensionInfo, LogLevel, PipelineName, SubscriptionName } from '../extension.ts';
import { configOf } from '../extension-settings.ts';
import { type ServedExtension, startExtension } from '../start-extension.ts';
import { Activity } from './activity.ts';
import { countedExchange, countedWebSocket } from './counted-network.ts';
import { type ExtensionAnswer, ExtensionCalls, type KitEvent, type KitSubscription } from './extension-calls.ts';
import { MemoryGofer, type Outage } from './memory-gofer.ts';
import type { KitRequest, KitRun } from './memory-runs.ts';
import { VirtualClock } from './virtual-clock.ts';

export type { KitRequest, KitRun } from './memory-runs.ts';

export interface KitOptions {
  /** What it is installed under; default `tested`. */
  readonly id?: string;
  /** Settings of the whole extension. */
  readonly config?: Readonly<Record<string, string>>;
  /** Epoch milliseconds; default the beginning of 2026. */
  readonly now?: number;
}

export interface TestKit {
  readonly clock: VirtualClock;
  /** One for each key of each pipeline. */
  readonly runs: readonly KitRun[];
  /** Every request to start a run that has arrived, those that repeat a key too. */
  readonly requests: readonly KitRequest[];
  readonly objects: Map<string, Uint8Array>;
  readonly logs: readonly { readonly level: LogLevel; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** Where the extension listens, and the key that it takes. */
  readonly extension: { readonly url: string; readonly secret: string };
  /** Rejects with a `Refusal` in the extension's words. */
  subscribe(subscription: KitSubscription): Promise<void>;
  unsubscribe(name: Omit<KitSubscription, 'params'>): Promise<void>;
  externalEvent(event: KitEvent): Promise<ExtensionAnswer>;
  debug(): Promise<unknown>;
  info(): Promise<ExtensionInfo>;
  /** Ends a run, and emits `completed_run`. `pipeline` is needed where several have a run of this number. */
  finishRun(runId: number, status: KitRun['status'], pipeline?: PipelineName): void;
  emit(kind: string, payload: Readonly<Record<string, unknown>>): void;
  /** What is stored of events is forgotten, as it is after the server's retention. */
  expireEvents(): void;
  /** Followers of events lose their connections. */
  disconnect(): void;
  /** The next so many requests to start a run; `lost answer`: the run is started, and the extension sees a broken connection. */
  failNext(times: number, how: Outage): void;
  /** Resolves when nothing happens any more without the clock being turned. */
  settled(): Promise<void>;
  /** Counts work of the extension that the kit does not see (requests to others) as under way; answers with the same promise's result. */
  track<Result>(work: Promise<Result>): Promise<Result>;
  /**
   * Ends the extension, or kills it, without a word; lets time pass; starts it again with the same objects, and gives it its subscriptions
   * again, as the server does.
   */
  restart(options?: { readonly downMs?: number; readonly kill?: boolean }): Promise<void>;
  close(): Promise<void>;
}

export async function startTestKit(factory: ExtensionFactory, options: KitOptions = {}): Promise<TestKit> {
  const { id = 'tested', config = {}, now } = options;
  const secret = randomUUID();
  const activity = new Activity();
  const clock = new VirtualClock(now, activity);
  const gofer = new MemoryGofer({ extensionId: id, secret, clock, activity });
  const goferUrl = await gofer.listen();
  const logs: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const subscriptions = new Map<string, SubscriptionName & Pick<KitSubscription, 'params' | 'created'>>();
  let life = await begin().catch(async (error: unknown) => {
    await gofer.close();
    throw error;
  });

  /** One start of the extension: what it has of the world is taken from it at its end. */
  async function begin() {
    const { clock: own, forget } = clock.view();
    const death = new AbortController();
    let calls: ExtensionCalls | undefined;
    const served: ServedExtension = await startExtension(
      factory,
      { id, secret, goferUrl, bind: { host: '127.0.0.1', port: 0 }, tls: undefined, config: configOf(config) },
      {
        clock: own,
        exchange: countedExchange(activity, death.signal),
        WebSocket: countedWebSocket(activity, death.signal),
        random: () => 0.5,
        onRequest: () => calls?.arrived(),
        log: (level, message, fields = {}) => void (death.signal.aborted || logs.push({ level, message, fields })),
      },
    );
    const end = (): void => {
      forget();
      death.abort();
    };
    calls = new ExtensionCalls(served.url, secret, activity);
    return { served, calls, end };
  }

  async function finish(kill: boolean): Promise<void> {
    if (kill) life.served.kill();
    else await life.served.stop();
    life.end();
  }

  await activity.settled();
  return {
    clock,
    runs: gofer.runs.runs,
    requests: gofer.runs.requests,
    objects: gofer.objects,
    logs,
    get extension() {
      return { url: life.served.url, secret };
    },
    async subscribe({ namespaceId = 'default', ...given }) {
      const subscription = { namespaceId, ...given };
      await life.calls.subscribe(subscription);
      subscriptions.set(keyOf(subscription), subscription);
    },
    async unsubscribe({ namespaceId = 'default', pipelineId, subscriptionId }) {
      const name = { namespaceId, pipelineId, subscriptionId };
      await life.calls.unsubscribe(name);
      subscriptions.delete(keyOf(name));
    },
    externalEvent: (event) => life.calls.externalEvent(event),
    debug: () => life.calls.debug(),
    info: () => life.calls.info(),
    finishRun(runId, status, pipeline) {
      const run = gofer.runs.finish(runId, status, pipeline);
      const { namespaceId, pipelineId } = run.pipeline;
      gofer.events.emit('completed_run', { namespace_id: namespaceId, pipeline_id: pipelineId, run_id: runId, status });
    },
    emit: (kind, payload) => gofer.events.emit(kind, payload),
    expireEvents: () => gofer.events.expire(),
    disconnect: () => gofer.events.disconnect(),
    failNext: (times, how) => gofer.failNext(times, how),
    settled: () => activity.settled(),
    track: (work) => activity.track(work),
    async restart({ downMs = 0, kill = false } = {}) {
      await finish(kill);
      await clock.advance(downMs);
      life = await begin();
      for (const subscription of subscriptions.values()) await life.calls.subscribe(subscription);
      await activity.settled();
    },
    async close() {
      await finish(false);
      await gofer.close();
    },
  };
}

function keyOf({ namespaceId, pipelineId, subscriptionId }: SubscriptionName): string {
  return JSON.stringify([namespaceId, pipelineId, subscriptionId]);
}
