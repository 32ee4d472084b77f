/**
 * Subscriptions that run at certain times. Each has a position: the last tick that is done with. What is due lies between it and now, so
 * that a restart, a server that was away and a clock that was set all come down to the same question. The key of a tick's run is made of
 * the tick: asking again for one whose run was started already starts nothing.
 */
import type { ExtensionHost, SubscriptionName } from '@gofer/sdk/extension';
import { type CatchUpPolicy, ticksToRun } from './due-ticks.ts';
import { textOf } from './parameters.ts';
import { RunRequests } from './run-requests.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** How long nothing is asked for a pipeline that is gone. */
const GONE_MS = 3_600_000;
/** A subscription that is younger may not be there for the server yet, which writes it down once its extension has taken it. */
const SETTLED_MS = 30_000;
/** How long the end of the extension waits for answers. */
const CLOSING_MS = 3_000;

/** Times are epoch milliseconds. */
export interface Ticks {
  /** The first tick behind `after`; undefined where there is none any more. */
  next(after: number): number | undefined;
  /** Ticks behind `after`, up to and with `until`, ascending; of very many, the latest. */
  between(after: number, until: number): readonly number[];
}

export interface TimetableEntry {
  readonly name: SubscriptionName;
  readonly ticks: Ticks;
  readonly policy: CatchUpPolicy;
  /** A tick is skipped while the run of an earlier one has not ended. */
  readonly skipOverlap: boolean;
  key(tick: number): string;
  variables(tick: number): Readonly<Record<string, string>>;
}

/** How far a subscription is: kept across restarts. */
export interface Progress {
  readonly position: number;
  /** The number of the run that was started last. */
  readonly lastRun?: number | undefined;
}

interface Item {
  readonly entry: TimetableEntry;
  /** From when on the server is known to have it. */
  readonly settledAt: number;
  progress: Progress;
  /** When it is looked at next; undefined where nothing is to come, or while it is worked on. */
  wakeAt: number | undefined;
  /** Attempts that failed since the last that did not. */
  failures: number;
  quietUntil: number;
  skipped: number;
  lastError: { readonly at: number; readonly message: string } | undefined;
}

export class Timetable {
  readonly #host: ExtensionHost;
  readonly #changed: () => void;
  readonly #requests: RunRequests;
  readonly #items = new Map<string, Item>();
  /** By the instant at which they are looked at: one timer for all that are due at once. */
  readonly #wakes = new Map<number, Set<Item>>();
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  readonly #working = new Set<Promise<void>>();
  #closing = false;

  /** `changed` is called when the progress of a subscription has. */
  constructor(host: ExtensionHost, changed: () => void) {
    this.#host = host;
    this.#changed = changed;
    this.#requests = new RunRequests(host);
  }

  /** Takes the place of an entry of the same name. What is due behind `progress` runs now. */
  set(entry: TimetableEntry, progress: Progress): void {
    this.remove(entry.name);
    const settledAt = this.#host.clock.now() + SETTLED_MS;
    const item: Item = { entry, settledAt, progress, wakeAt: undefined, failures: 0, quietUntil: 0, skipped: 0, lastError: undefined };
    this.#items.set(textOf(entry.name), item);
    this.#wake(item, entry.ticks.next(progress.position));
  }

  remove(name: SubscriptionName): void {
    const item = this.#items.get(textOf(name));
    if (item === undefined) return;
    this.#items.delete(textOf(name));
    this.#sleep(item);
  }

  progressOf(name: SubscriptionName): Progress | undefined {
    return this.#items.get(textOf(name))?.progress;
  }

  debug(): unknown {
    const now = this.#host.clock.now();
    return [...this.#items].map(([subscription, { entry, progress, failures, skipped, lastError, quietUntil }]) => {
      const next = entry.ticks.next(progress.position);
      return {
        subscription,
        next: next === undefined ? null : new Date(next).toISOString(),
        lag_ms: next === undefined ? 0 : Math.max(0, now - next),
        done_until: new Date(progress.position).toISOString(),
        last_run: progress.lastRun ?? null,
        skipped,
        failures,
        quiet_until: quietUntil > now ? new Date(quietUntil).toISOString() : null,
        last_error: lastError === undefined ? null : { at: new Date(lastError.at).toISOString(), message: lastError.message },
      };
    });
  }

  /** Starts nothing more; resolves when what is under way has ended, which takes at most a few seconds. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#timer?.cancel();
    const cancel = this.#host.clock.at(this.#host.clock.now() + CLOSING_MS, () => this.#requests.abort());
    await Promise.all(this.#working);
    cancel();
  }

  #wake(item: Item, at: number | undefined): void {
    if (at === undefined || this.#closing) return;
    item.wakeAt = at;
    const items = this.#wakes.get(at);
    if (items === undefined) this.#wakes.set(at, new Set([item]));
    else items.add(item);
    if (this.#timer === undefined || at < this.#timer.at) this.#setTimer(at);
  }

  #sleep(item: Item): void {
    if (item.wakeAt === undefined) return;
    const items = this.#wakes.get(item.wakeAt);
    items?.delete(item);
    if (items?.size === 0) this.#wakes.delete(item.wakeAt);
    item.wakeAt = undefined;
  }

  #setTimer(at: number): void {
    this.#timer?.cancel();
    this.#timer = { at, cancel: this.#host.clock.at(at, () => this.#onTimer()) };
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#host.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [at, items] of this.#wakes) {
      if (at > now) {
        next = Math.min(next, at);
        continue;
      }
      this.#wakes.delete(at);
      for (const item of items) {
        item.wakeAt = undefined;
        this.#work(item);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#setTimer(next);
  }

  #work(item: Item): void {
    const work = this.#runDue(item)
      .then(
        (at) => {
          if (this.#isCurrent(item)) this.#wake(item, at);
        },
        (error: unknown) => {
          this.#host.log('error', `the timetable of ${textOf(item.entry.name)} has failed, and goes on later`, { error: String(error) });
          if (this.#isCurrent(item)) this.#wake(item, this.#host.clock.now() + LONGEST_PAUSE_MS);
        },
      )
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  #isCurrent(item: Item): boolean {
    return !this.#closing && this.#items.get(textOf(item.entry.name)) === item;
  }

  /** Answers with when to look again. */
  async #runDue(item: Item): Promise<number | undefined> {
    const { ticks, policy } = item.entry;
    const now = this.#host.clock.now();
    const due = ticks.between(item.progress.position, now);
    const last = due.at(-1);
    if (last === undefined) return ticks.next(item.progress.position);
    const run = now < item.quietUntil ? [] : ticksToRun(due, now, policy);
    for (const tick of run) {
      if (!this.#isCurrent(item)) return undefined;
      const again = await this.#runTick(item, tick);
      if (again !== undefined) return again;
    }
    if (!this.#isCurrent(item)) return undefined;
    this.#advance(item, { ...item.progress, position: last });
    return ticks.next(last);
  }

  /** Answers with when to try again, where that is to be done. */
  async #runTick(item: Item, tick: number): Promise<number | undefined> {
    const { entry, progress } = item;
    const outcome = await this.#requests.start({
      pipeline: entry.name,
      idempotencyKey: entry.key(tick),
      variables: entry.variables(tick),
      unlessRunning: entry.skipOverlap ? progress.lastRun : undefined,
    });
    const now = this.#host.clock.now();
    if (outcome.kind === 'later' || (outcome.kind === 'refused' && outcome.gone && now < item.settledAt)) {
      item.failures += 1;
      this.#note(item, now, 'cannot be started now, and is tried again', outcome.message);
      return now + Math.min(FIRST_PAUSE_MS * 2 ** Math.min(item.failures - 1, 10), LONGEST_PAUSE_MS);
    }
    item.failures = 0;
    if (outcome.kind === 'refused') {
      if (outcome.gone) item.quietUntil = now + GONE_MS;
      this.#note(
        item,
        now,
        outcome.gone ? 'is not there for this extension; it is asked for again in an hour' : 'is refused',
        outcome.message,
      );
    } else {
      item.lastError = undefined;
    }
    if (outcome.kind === 'skipped') item.skipped += 1;
    if (!this.#isCurrent(item) && !this.#closing) return undefined;
    this.#advance(item, { position: tick, lastRun: outcome.kind === 'started' ? outcome.runId : progress.lastRun });
    return undefined;
  }

  #advance(item: Item, progress: Progress): void {
    item.progress = progress;
    this.#changed();
  }

  /** The same failure of a subscription is logged once, until something else has happened. */
  #note(item: Item, at: number, what: string, message: string): void {
    if (item.lastError?.message !== message) {
      this.#host.log('warn', `the run of ${textOf(item.entry.name)} ${what}: ${message}`);
    }
    item.lastError = { at, message };
  }
}
