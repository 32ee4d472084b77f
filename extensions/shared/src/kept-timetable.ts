/** A timetable whose progress is kept with the server: a subscription that is given again after a restart goes on where it was. */
import type { ExtensionHost, SubscriptionName } from '@gofer/sdk/extension';
import { KeptObject } from './kept-object.ts';
import { textOf } from './parameters.ts';
import { type Progress, Timetable, type TimetableEntry } from './timetable.ts';

const OBJECT_KEY = 'timetable';
/** What is not given again within this time after the start is not subscribed any more. */
const FORGET_MS = 600_000;

interface Kept {
  /** What it runs by; another one starts anew. */
  readonly schedule: string;
  /** When this schedule began (epoch milliseconds). */
  readonly since: number;
  readonly progress: Progress;
  /** When the subscription was made; undefined where the server did not say. */
  readonly created: number | undefined;
}

export interface Timing {
  /** Equal texts are the same schedule. */
  readonly schedule: string;
  /** A position that is further ahead than this comes from a clock that was wrong: it starts anew. */
  readonly aheadMs: number;
}

/** Names a subscription, and says when it was made. */
export interface NamedSubscription extends SubscriptionName {
  readonly created?: number;
}

export class KeptTimetable {
  readonly #host: ExtensionHost;
  readonly #object: KeptObject;
  readonly #timetable: Timetable;
  /** Those that have a name are in the timetable, and how far they are is read from there. */
  readonly #kept = new Map<string, Kept & { readonly name?: SubscriptionName }>();
  #cancelForgetting: (() => void) | undefined;

  constructor(host: ExtensionHost) {
    this.#host = host;
    this.#object = new KeptObject(host, OBJECT_KEY, () => this.#snapshot());
    this.#timetable = new Timetable(host, () => this.#object.changed());
  }

  async start(): Promise<void> {
    for (const [name, kept] of keptOf(await this.#object.load())) this.#kept.set(name, kept);
    this.#cancelForgetting = this.#host.clock.at(this.#host.clock.now() + FORGET_MS, () => this.#forget());
  }

  /**
   * Subscribes, or goes on. The beginning of a new one is kept first, so that nothing that is due behind it can be missed; rejects, and
   * changes nothing, where it cannot be kept. `make` is told when the schedule began.
   */
  async set(
    subscription: NamedSubscription,
    { schedule, aheadMs }: Timing,
    make: (since: number) => Omit<TimetableEntry, 'name'>,
  ): Promise<void> {
    const { created, ...name } = subscription;
    const now = this.#host.clock.now();
    const found = this.#kept.get(textOf(name));
    const progress = this.#timetable.progressOf(name) ?? found?.progress;
    const isSame = found?.schedule === schedule && isSameMade(found.created, created);
    if (found !== undefined && progress !== undefined && isSame && progress.position <= now + aheadMs) {
      this.#kept.set(textOf(name), { ...found, name, created: created ?? found.created });
      this.#timetable.set({ ...make(found.since), name }, progress);
      return;
    }
    const anew = { schedule, since: now, progress: { position: now }, created };
    this.#kept.set(textOf(name), anew);
    try {
      await this.#object.save();
    } catch (error) {
      if (found === undefined) this.#kept.delete(textOf(name));
      else this.#kept.set(textOf(name), found);
      throw error;
    }
    this.#kept.set(textOf(name), { ...anew, name });
    this.#timetable.set({ ...make(now), name }, anew.progress);
  }

  remove(name: SubscriptionName): void {
    this.#timetable.remove(name);
    if (this.#kept.delete(textOf(name))) this.#object.changed();
  }

  debug(): unknown {
    return this.#timetable.debug();
  }

  async close(): Promise<void> {
    this.#cancelForgetting?.();
    await this.#timetable.close();
    await this.#object.close();
  }

  #forget(): void {
    const gone = [...this.#kept].filter(([, { name }]) => name === undefined);
    for (const [name] of gone) this.#kept.delete(name);
    if (gone.length > 0) this.#object.changed();
  }

  #snapshot(): unknown {
    const subscriptions = [...this.#kept].map(([text, { schedule, since, progress, name, created }]) => {
      const { position, lastRun } = (name === undefined ? undefined : this.#timetable.progressOf(name)) ?? progress;
      return [
        text,
        {
          schedule,
          since,
          position,
          ...(lastRun === undefined ? {} : { last_run: lastRun }),
          ...(created === undefined ? {} : { created }),
        },
      ];
    });
    return { version: 1, subscriptions: Object.fromEntries(subscriptions) };
  }
}

/** Where one side does not say, a subscription of the same name is taken for the same. */
function isSameMade(kept: number | undefined, given: number | undefined): boolean {
  return kept === undefined || given === undefined || kept === given;
}

/** Throws for what another program has written there. */
function keptOf(value: unknown): readonly (readonly [string, Kept])[] {
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'subscriptions' in value) {
    const subscriptions = value.subscriptions as Readonly<Record<string, KeptText>>;
    return Object.entries(subscriptions).map(([name, { schedule, since, position, last_run: lastRun, created }]) => [
      name,
      { schedule, since, progress: { position, lastRun }, created },
    ]);
  }
  throw new Error(
    `the object ${JSON.stringify(OBJECT_KEY)} is of another version of this extension: install that, or delete the object to start anew`,
  );
}

interface KeptText {
  readonly schedule: string;
  readonly since: number;
  readonly position: number;
  readonly last_run?: number;
  readonly created?: number;
}
