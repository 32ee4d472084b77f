/** Runs pipelines again and again, with the same time between the starts. */
import { type Extension, type ExtensionFactory, type ExtensionHost, Refusal } from '@gofer/sdk/extension';
import { MOST_TICKS } from '../../shared/src/due-ticks.ts';
import { formatGoDuration, parseGoDuration } from '../../shared/src/go-duration.ts';
import { KeptTimetable } from '../../shared/src/kept-timetable.ts';
import { choiceOf, refuseUnknown, requiredOf } from '../../shared/src/parameters.ts';
import type { Ticks } from '../../shared/src/timetable.ts';
import { createInfo, DEFAULT_MIN_DURATION } from './interval-documentation.ts';

/** A start that is later than this was missed. */
const ON_TIME_MS = 10_000;
const SHORTEST_MS = 1_000;
const PARAMETERS = ['every', 'catch_up'] as const;

export const extension: ExtensionFactory = (host): Extension => {
  const minimumMs = readMinimum(host);
  const timetable = new KeptTimetable(host);
  return {
    info: createInfo(formatGoDuration(minimumMs)),
    start: () => timetable.start(),
    async subscribe(subscription) {
      refuseUnknown(subscription, PARAMETERS);
      const everyMs = toEvery(requiredOf(subscription, 'every', '"5m"'), minimumMs);
      const catchUp = choiceOf(subscription, 'catch_up', ['once', 'skip']);
      const { subscriptionId } = subscription;
      await timetable.set(subscription, { schedule: formatGoDuration(everyMs), aheadMs: everyMs }, (anchor) => ({
        ticks: new IntervalTicks(anchor, everyMs),
        policy: { catchUp, onTimeMs: ON_TIME_MS },
        skipOverlap: false,
        key: (tick) => `interval/${subscriptionId}/${anchor}/${(tick - anchor) / everyMs}`,
        variables: (tick) => ({
          GOFER_EXTENSION_INTERVAL_TICK: new Date(tick).toISOString(),
          GOFER_EXTENSION_INTERVAL_SUBSCRIPTION: subscriptionId,
          GOFER_EXTENSION_INTERVAL_EVERY: formatGoDuration(everyMs),
        }),
      }));
    },
    unsubscribe: (name) => timetable.remove(name),
    debug: () => ({ min_duration: formatGoDuration(minimumMs), subscriptions: timetable.debug() }),
    shutdown: () => timetable.close(),
  };
};

/** Every instant that is a whole number of intervals behind the anchor: it does not drift. */
export class IntervalTicks implements Ticks {
  readonly #anchor: number;
  readonly #every: number;

  constructor(anchor: number, every: number) {
    this.#anchor = anchor;
    this.#every = every;
  }

  next(after: number): number {
    return this.#anchor + Math.max(1, this.#passed(after) + 1) * this.#every;
  }

  between(after: number, until: number): readonly number[] {
    const last = this.#passed(until);
    const first = Math.max(1, this.#passed(after) + 1, last - MOST_TICKS + 1);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => this.#anchor + (first + index) * this.#every);
  }

  #passed(time: number): number {
    return Math.floor((time - this.#anchor) / this.#every);
  }
}

function toEvery(text: string, minimumMs: number): number {
  const every = parseGoDuration(text);
  if (every === undefined) {
    throw new Refusal(`every must be a duration of at most 10 years such as "5m" or "1h30m", not ${JSON.stringify(text)}`);
  }
  if (every >= minimumMs) return every;
  throw new Refusal(
    `every is ${JSON.stringify(text)}, and must be at least ${formatGoDuration(minimumMs)}: the administrator sets that with MIN_DURATION of the extension`,
  );
}

function readMinimum(host: ExtensionHost): number {
  const documented = host.config('MIN_DURATION');
  const alias = host.config('MIN_INTERVAL');
  if (documented !== undefined && alias !== undefined && parseGoDuration(documented) !== parseGoDuration(alias)) {
    throw new Error(
      `MIN_DURATION is ${JSON.stringify(documented)} and MIN_INTERVAL, another name for it, is ${JSON.stringify(alias)}: leave out MIN_INTERVAL`,
    );
  }
  const text = documented ?? alias ?? DEFAULT_MIN_DURATION;
  const minimum = parseGoDuration(text);
  if (minimum !== undefined && minimum >= SHORTEST_MS) return minimum;
  const key = documented === undefined ? 'MIN_INTERVAL' : 'MIN_DURATION';
  throw new Error(`${key} must be a duration of at least 1s such as "5m" or "1h30m", not ${JSON.stringify(text)}`);
}
