/**
 * Pipelines that run when others have run. The stream of events is followed from a position that is kept with the server; the key of a run
 * is made of the event, so that what is read again after a restart starts nothing twice. What is subscribed is kept with the position: events
 * are followed before the server has given the subscriptions again.
 */
import type { ExtensionHost, GoferEvent, Subscription, SubscriptionName } from '@gofer/sdk/extension';
import { KeptObject } from '../../shared/src/kept-object.ts';
import { textOf } from '../../shared/src/parameters.ts';
import { RunRequests } from '../../shared/src/run-requests.ts';
import { type CompletedRun, type MayFollow, type Trigger, toCompletedRun, toTrigger, triggers } from './completed-run.ts';
import { EventPosition } from './event-position.ts';
import { type KeptFollower, type KeptFollowers, toKeptFollowers } from './kept-followers.ts';

const OBJECT_KEY = 'followers';
/** No event has this id: with it the stream begins with the first event that is stored. */
const BEFORE_ALL = '00000000-0000-7000-8000-000000000000';
const MOST_UNDER_WAY = 10_000;
const MOST_DEPTHS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const GIVE_UP_MS = 86_400_000;
/** What is not given again within this time after the start is not subscribed any more. */
const FORGET_MS = 600_000;
const CLOSING_MS = 3_000;

interface Follower extends KeptFollower {
  /** Given in this life of the extension, not only kept. */
  given: boolean;
  started: number;
  lastError: { readonly at: number; readonly message: string } | undefined;
}

export class Followers {
  readonly #host: ExtensionHost;
  readonly #mostDepth: number;
  readonly #mayFollow: MayFollow;
  readonly #object: KeptObject;
  readonly #requests: RunRequests;
  readonly #followers = new Map<string, Follower>();
  /** How long the chain is that has led to a run which this extension has started, until that has ended. */
  readonly #depths = new Map<string, number>();
  /** Attempts under way, by the pipeline that they start. */
  readonly #attempts = new Map<string, Set<Promise<unknown>>>();
  readonly #working = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #events = new EventPosition(undefined);
  /** The last event that was read; what lies between the position and it is worked on. */
  #taken: string | undefined;
  #room = Promise.withResolvers<void>();
  #cancelForgetting: (() => void) | undefined;
  #following: Promise<void> = Promise.resolve();
  #streamError: string | undefined;

  constructor(host: ExtensionHost, mostDepth: number, mayFollow: MayFollow) {
    this.#host = host;
    this.#mostDepth = mostDepth;
    this.#mayFollow = mayFollow;
    this.#object = new KeptObject(host, OBJECT_KEY, () => this.#snapshot());
    this.#requests = new RunRequests(host);
  }

  async start(): Promise<void> {
    const kept = toKeptFollowers(await this.#object.load());
    for (const [text, follower] of Object.entries(kept.subscriptions)) {
      // It may have been allowed to an earlier process.
      if (!this.#mayFollow(follower.name.namespaceId, follower.trigger.namespaceId)) continue;
      this.#followers.set(text, { ...follower, given: false, started: 0, lastError: undefined });
    }
    for (const [run, depth] of Object.entries(kept.depths)) this.#depths.set(run, depth);
    this.#events = new EventPosition(kept.position);
    this.#taken = kept.position;
    this.#cancelForgetting = this.#host.clock.at(this.#host.clock.now() + FORGET_MS, () => this.#forget());
    this.#following = this.#follow();
  }

  /** Counts events from now on, or goes on where it is the same as before. Rejects, and changes nothing, where that cannot be kept. */
  async set(subscription: Subscription): Promise<void> {
    const trigger = toTrigger(subscription, this.#mayFollow);
    const { namespaceId, pipelineId, subscriptionId } = subscription;
    const text = textOf(subscription);
    const found = this.#followers.get(text);
    if (found !== undefined && sameTrigger(found.trigger, trigger)) {
      found.given = true;
      return;
    }
    const since = this.#host.clock.now();
    const name = { namespaceId, pipelineId, subscriptionId };
    this.#followers.set(text, { name, trigger, since, given: true, started: 0, lastError: undefined });
    try {
      await this.#object.save();
    } catch (error) {
      if (found === undefined) this.#followers.delete(text);
      else this.#followers.set(text, found);
      throw error;
    }
  }

  remove(name: SubscriptionName): void {
    if (this.#followers.delete(textOf(name))) this.#object.changed();
  }

  debug(): unknown {
    return {
      position: this.#events.position ?? null,
      events_under_way: this.#events.underWay,
      stream_error: this.#streamError ?? null,
      subscriptions: [...this.#followers].map(([subscription, { trigger, since, started, lastError }]) => ({
        subscription,
        pipeline: `${trigger.namespaceId}/${trigger.pipelineId}`,
        status: trigger.statuses,
        since: new Date(since).toISOString(),
        started,
        last_error: lastError === undefined ? null : { at: new Date(lastError.at).toISOString(), message: lastError.message },
      })),
    };
  }

  async close(): Promise<void> {
    this.#cancelForgetting?.();
    const cancel = this.#host.clock.at(this.#host.clock.now() + CLOSING_MS, () => this.#requests.abort());
    this.#ending.abort();
    this.#room.resolve();
    await this.#following;
    await Promise.all(this.#working);
    cancel();
    await this.#object.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const after = this.#taken ?? BEFORE_ALL;
        for await (const event of this.#host.gofer.events({ kinds: ['completed_run'], after, signal })) {
          this.#streamError = undefined;
          this.#taken = event.id;
          this.#take(event);
          while (this.#events.underWay >= MOST_UNDER_WAY && !signal.aborted) await this.#room.promise;
        }
      } catch (error) {
        this.#streamError = error instanceof Error ? error.message : String(error);
        this.#host.log('error', `events cannot be followed, trying again: ${this.#streamError}`);
      }
      await this.#pause(LONGEST_PAUSE_MS);
    }
  }

  #take(event: GoferEvent): void {
    const run = toCompletedRun(event);
    const done = this.#events.begin(event.id, () => {
      if (run !== undefined) this.#depths.delete(runText(run));
    });
    const work = this.#work(event, run, done).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async #work(event: GoferEvent, run: CompletedRun | undefined, done: () => void): Promise<void> {
    try {
      if (run !== undefined && !(await this.#startAll(event, run))) return;
      done();
      this.#object.changed();
      this.#room.resolve();
      this.#room = Promise.withResolvers();
    } catch (error) {
      this.#host.log('error', `the event ${event.id} has failed`, { error: String(error) });
    }
  }

  /** False where the extension ends before it is done. */
  async #startAll(event: GoferEvent, run: CompletedRun): Promise<boolean> {
    const followers = [...this.#followers.values()].filter(({ trigger, since }) => triggers(trigger, run) && event.emitted > since);
    if (followers.length === 0) return true;
    // A short run may have ended before the request that started it is answered.
    await Promise.all(this.#attempts.get(`${run.namespaceId}/${run.pipelineId}`) ?? new Set<Promise<unknown>>());
    const depth = (this.#depths.get(runText(run)) ?? 0) + 1;
    const finished = await Promise.all(followers.map((follower) => this.#startOne(follower, event, run, depth)));
    return finished.every(Boolean);
  }

  async #startOne(follower: Follower, event: GoferEvent, run: CompletedRun, depth: number): Promise<boolean> {
    const { clock } = this.#host;
    if (depth > this.#mostDepth) {
      this.#note(
        follower,
        `a chain of ${depth} pipelines is cut here: the extension's MAX_DEPTH is ${this.#mostDepth}. Do they start each other?`,
      );
      return true;
    }
    const giveUp = clock.now() + GIVE_UP_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      if (this.#followers.get(textOf(follower.name)) !== follower) return true;
      if (this.#ending.signal.aborted) return false;
      const outcome = await this.#attempt(follower, event, run, depth);
      if (outcome.kind === 'started') {
        this.#remember(`${follower.name.namespaceId}/${follower.name.pipelineId}/${outcome.runId}`, depth);
        follower.started += 1;
        follower.lastError = undefined;
        return true;
      }
      const message = 'message' in outcome ? outcome.message : outcome.kind;
      const isLast = outcome.kind !== 'later' || clock.now() >= giveUp;
      this.#note(follower, `cannot be started for the event ${event.id}${isLast ? '' : ' now, and is tried again'}: ${message}`);
      if (isLast) return true;
      await this.#pause(pause);
    }
  }

  #attempt({ name }: Follower, event: GoferEvent, run: CompletedRun, depth: number): ReturnType<RunRequests['start']> {
    const attempt = this.#requests.start({
      pipeline: name,
      idempotencyKey: `pipeline/${name.subscriptionId}/${event.id}`,
      variables: {
        GOFER_EXTENSION_PIPELINE_NAMESPACE: run.namespaceId,
        GOFER_EXTENSION_PIPELINE_PIPELINE: run.pipelineId,
        GOFER_EXTENSION_PIPELINE_RUN: String(run.runId),
        GOFER_EXTENSION_PIPELINE_STATUS: run.status,
        GOFER_EXTENSION_PIPELINE_EVENT: event.id,
        GOFER_EXTENSION_PIPELINE_DEPTH: String(depth),
      },
    });
    const pipeline = `${name.namespaceId}/${name.pipelineId}`;
    const attempts = this.#attempts.get(pipeline) ?? new Set();
    this.#attempts.set(pipeline, attempts.add(attempt));
    // Never rejects.
    void attempt.then(() => {
      attempts.delete(attempt);
      if (attempts.size === 0) this.#attempts.delete(pipeline);
    });
    return attempt;
  }

  #remember(run: string, depth: number): void {
    this.#depths.set(run, depth);
    const oldest = this.#depths.keys().next().value;
    if (this.#depths.size > MOST_DEPTHS && oldest !== undefined) this.#depths.delete(oldest);
  }

  /** The same failure of a subscription is logged once, until a run was started. */
  #note(follower: Follower, message: string): void {
    if (follower.lastError?.message !== message) this.#host.log('warn', `the run of ${textOf(follower.name)}: ${message}`);
    follower.lastError = { at: this.#host.clock.now(), message };
  }

  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#ending;
    if (signal.aborted) return Promise.resolve();
    const cancel = this.#host.clock.at(this.#host.clock.now() + milliseconds, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    const abort = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', abort, { once: true });
    return promise;
  }

  #forget(): void {
    const gone = [...this.#followers].filter(([, { given }]) => !given);
    for (const [text] of gone) this.#followers.delete(text);
    if (gone.length > 0) this.#object.changed();
  }

  #snapshot(): KeptFollowers {
    const subscriptions = [...this.#followers].map(([text, { name, trigger, since }]) => [text, { name, trigger, since }] as const);
    return {
      version: 1,
      position: this.#events.position,
      subscriptions: Object.fromEntries(subscriptions),
      depths: Object.fromEntries(this.#depths),
    };
  }
}

function runText({ namespaceId, pipelineId, runId }: CompletedRun): string {
  return `${namespaceId}/${pipelineId}/${runId}`;
}

function sameTrigger(one: Trigger, other: Trigger): boolean {
  return one.namespaceId === other.namespaceId && one.pipelineId === other.pipelineId && one.statuses.join() === other.statuses.join();
}
