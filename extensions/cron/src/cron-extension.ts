/** Runs pipelines at the times that a cron expression names. */
import type { Extension, ExtensionFactory, ExtensionHost, Subscription } from '@gofer/sdk/extension';
import { CATCH_UP, MOST_TICKS } from '../../shared/src/due-ticks.ts';
import { parseGoDuration } from '../../shared/src/go-duration.ts';
import { KeptTimetable } from '../../shared/src/kept-timetable.ts';
import { choiceOf, parameterOf, refuseUnknown, requiredOf } from '../../shared/src/parameters.ts';
import type { Ticks } from '../../shared/src/timetable.ts';
import { createInfo, DEFAULTS } from './cron-documentation.ts';
import { type CronSchedule, createCronSchedule } from './cron-schedule.ts';
import { Zone } from './zone-spans.ts';

/** A tick that was not run within this time is a missed one. */
const ON_TIME_MS = 60_000;
const DAY_MS = 86_400_000;
const PARAMETERS = ['expression', 'timezone', 'catch_up', 'overlap'] as const;

export const extension: ExtensionFactory = (host): Extension => {
  const { defaultZone, missedWithinMs } = readConfig(host);
  const timetable = new KeptTimetable(host);
  const zones = new Map<string, Zone>();
  const zoneOf = (name: string): Zone => {
    const zone = zones.get(name) ?? new Zone(name, 'timezone');
    zones.set(name, zone);
    return zone;
  };
  return {
    info: createInfo(defaultZone.name),
    start: () => timetable.start(),
    async subscribe(subscription) {
      refuseUnknown(subscription, PARAMETERS);
      const zone = zoneOf(parameterOf(subscription, 'timezone') ?? defaultZone.name);
      const schedule = createCronSchedule(requiredOf(subscription, 'expression', '"0 1 25 12 * *"'), zone, host.clock.now());
      const policy = { catchUp: choiceOf(subscription, 'catch_up', CATCH_UP), onTimeMs: ON_TIME_MS };
      const skipOverlap = choiceOf(subscription, 'overlap', ['allow', 'skip']) === 'skip';
      const { text } = schedule.expression;
      await timetable.set(subscription, { schedule: `${text} ${zone.name}`, aheadMs: DAY_MS }, () => ({
        ticks: new CronTicks(schedule, missedWithinMs),
        policy,
        skipOverlap,
        key: (tick) => `cron/${subscription.subscriptionId}/${tick / 1_000}`,
        variables: (tick) => variablesOf(subscription, text, tick),
      }));
    },
    unsubscribe: (name) => timetable.remove(name),
    debug: () => ({ default_timezone: defaultZone.name, missed_within_ms: missedWithinMs, subscriptions: timetable.debug() }),
    shutdown: () => timetable.close(),
  };
};

class CronTicks implements Ticks {
  readonly #schedule: CronSchedule;
  readonly #missedWithinMs: number;

  constructor(schedule: CronSchedule, missedWithinMs: number) {
    this.#schedule = schedule;
    this.#missedWithinMs = missedWithinMs;
  }

  next(after: number): number | undefined {
    return this.#schedule.next(after);
  }

  between(after: number, until: number): readonly number[] {
    const latest: number[] = [];
    for (const tick of this.#schedule.ticks(Math.max(after, until - this.#missedWithinMs))) {
      if (tick > until) break;
      latest.push(tick);
      if (latest.length > MOST_TICKS) latest.shift();
    }
    return latest;
  }
}

function variablesOf({ subscriptionId }: Subscription, expression: string, tick: number): Readonly<Record<string, string>> {
  return {
    GOFER_EXTENSION_CRON_TICK: new Date(tick).toISOString().replace('.000Z', 'Z'),
    GOFER_EXTENSION_CRON_SUBSCRIPTION: subscriptionId,
    GOFER_EXTENSION_CRON_EXPRESSION: expression,
  };
}

function readConfig(host: ExtensionHost): { readonly defaultZone: Zone; readonly missedWithinMs: number } {
  const defaultZone = new Zone(host.config('TIMEZONE') ?? DEFAULTS.timezone, 'TIMEZONE');
  const text = host.config('MISSED_WITHIN') ?? DEFAULTS.missedWithin;
  const missedWithinMs = parseGoDuration(text);
  if (missedWithinMs === undefined || missedWithinMs < ON_TIME_MS) {
    throw new Error(`MISSED_WITHIN must be a duration of at least 1m such as "24h", not ${JSON.stringify(text)}`);
  }
  return { defaultZone, missedWithinMs };
}
