/** A time zone as spans of time in which its clocks are a constant offset ahead of UTC: what daylight saving is to a schedule. */
import { Refusal } from '@gofer/sdk/extension';

/** From `start` up to `end` (epoch milliseconds), clocks show UTC plus `offset` milliseconds. Neighbours may have the same offset. */
export interface ZoneSpan {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/** No zone turns its clocks twice within this time. */
const SAMPLE = 12 * 3_600_000;

/** Spans are cut where a year of UTC ends, so that each year is looked at once, and only if it is asked for. */
export class Zone {
  /** The zone's own name, whatever the case in which it was given. */
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, readonly ZoneSpan[]>();

  /** Throws a `Refusal` where there is no such zone; `what` names the setting. */
  constructor(name: string, what: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new Refusal(`${what} ${JSON.stringify(name)} is not a time zone of the IANA database, such as "UTC" or "Europe/Berlin"`);
    }
    this.name = this.#format.resolvedOptions().timeZone;
  }

  /** The span that holds this instant. */
  at(time: number): ZoneSpan {
    const spans = this.#spansOf(new Date(time).getUTCFullYear());
    const span = spans.find(({ end }) => time < end);
    if (span === undefined) throw new RangeError(`no span of ${this.name} holds ${time}`);
    return span;
  }

  #spansOf(year: number): readonly ZoneSpan[] {
    let spans = this.#years.get(year);
    if (spans === undefined) {
      spans = this.#measure(Date.UTC(year, 0), Date.UTC(year + 1, 0));
      this.#years.set(year, spans);
    }
    return spans;
  }

  #measure(from: number, to: number): readonly ZoneSpan[] {
    const spans: ZoneSpan[] = [];
    let start = from;
    let offset = this.#offset(from);
    for (let time = from; time < to; time += SAMPLE) {
      const next = Math.min(time + SAMPLE, to);
      // The year's last instant, not the next year's first one, which may already be another span.
      const after = this.#offset(next === to ? to - 1 : next);
      if (after === offset) continue;
      const end = this.#transition(time, next === to ? to - 1 : next);
      spans.push({ start, end, offset });
      start = end;
      offset = after;
    }
    spans.push({ start, end: to, offset });
    return spans;
  }

  /** The first whole second in (`before`, `after`] that has the offset of `after`. */
  #transition(before: number, after: number): number {
    const offset = this.#offset(before);
    let low = Math.floor(before / 1_000);
    let high = Math.ceil(after / 1_000);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle * 1_000) === offset) low = middle;
      else high = middle;
    }
    return high * 1_000;
  }

  #offset(time: number): number {
    const text = this.#format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
    if (match === null) throw new RangeError(`the offset of ${this.name} reads ${JSON.stringify(text)}`);
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === '-' ? -size : size;
  }
}
