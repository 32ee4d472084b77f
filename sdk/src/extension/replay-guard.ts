/**
 * Keeps an external event from having its effect twice: a sender that repeats itself, and somebody who sends again what was signed once.
 * It remembers the latest events in objects of the extension, oldest first in segments, so that little is written each time.
 */
import { createHash } from 'node:crypto';
import type { ExtensionHost } from './extension.ts';

/** How many keys are remembered, unless told otherwise. */
const CAPACITY = 20_000;
const SEGMENTS = 20;
/** How long what is new is gathered before it is written. A crash forgets it: give runs an idempotency key as well. */
const GATHER_MS = 1_000;
const RETRY_MS = 10_000;

export interface ReplayGuardOptions {
  /** What its objects' keys begin with; default `seen-`. */
  readonly prefix?: string;
  /** At least so many keys are remembered; default 20,000. */
  readonly capacity?: number;
}

export interface ReplayGuard {
  /**
   * Does `work` unless one of `keys` (whatever tells the event from others: its id, its signature) belongs to an event that is done, and
   * answers whether it did it. The event counts as done when `work` has resolved; where it rejects, so does this, and the event may come
   * again. One that comes while another of its keys is under way waits for that one.
   */
  once(keys: readonly string[], work: () => Promise<void>): Promise<boolean>;
  /** Keys that are remembered. */
  readonly size: number;
  /** Writes what is not written yet; for `shutdown`. */
  flush(): Promise<void>;
}

interface Segment {
  readonly number: number;
  readonly digests: string[];
  changed: boolean;
}

/** Reads what earlier ones have kept. Rejects where that cannot be read: without it everything could be played again. */
export async function openReplayGuard(
  host: Pick<ExtensionHost, 'objects' | 'clock' | 'log'>,
  options: ReplayGuardOptions = {},
): Promise<ReplayGuard> {
  const prefix = options.prefix ?? 'seen-';
  const guard = new StoredReplayGuard(host, prefix, Math.max(1, Math.ceil((options.capacity ?? CAPACITY) / SEGMENTS)));
  const numbers = (await host.objects.list())
    .filter((key) => key.startsWith(prefix) && /^\d{1,15}$/.test(key.slice(prefix.length)))
    .map((key) => Number(key.slice(prefix.length)))
    .sort((a, b) => a - b);
  for (const number of numbers) {
    const body = await host.objects.get(`${prefix}${number}`);
    if (body !== undefined) guard.load(number, new TextDecoder().decode(body).split('\n'));
  }
  return guard;
}

class StoredReplayGuard implements ReplayGuard {
  readonly #host: Pick<ExtensionHost, 'objects' | 'clock' | 'log'>;
  readonly #prefix: string;
  readonly #segmentSize: number;
  readonly #segments: Segment[] = [];
  readonly #done = new Set<string>();
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Numbers of segments that are to be deleted. */
  #dropped: number[] = [];
  #cancelWrite: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(host: Pick<ExtensionHost, 'objects' | 'clock' | 'log'>, prefix: string, segmentSize: number) {
    this.#host = host;
    this.#prefix = prefix;
    this.#segmentSize = segmentSize;
  }

  get size(): number {
    return this.#done.size;
  }

  load(number: number, lines: readonly string[]): void {
    const digests = lines.filter((line) => line !== '');
    this.#segments.push({ number, digests, changed: false });
    for (const digest of digests) this.#done.add(digest);
    this.#dropOldest();
  }

  async once(keys: readonly string[], work: () => Promise<void>): Promise<boolean> {
    const digests = keys.map(digestOf);
    for (;;) {
      if (digests.some((digest) => this.#done.has(digest))) return false;
      const other = digests.map((digest) => this.#underWay.get(digest)).find((found) => found !== undefined);
      if (other === undefined) break;
      await other;
    }
    const release = (): void => {
      for (const digest of digests) this.#underWay.delete(digest);
    };
    const doing = work();
    // Whoever waits looks again, however this ends.
    const ended = doing.then(() => {
      this.#add(digests);
      release();
    }, release);
    for (const digest of digests) this.#underWay.set(digest, ended);
    await doing;
    await ended;
    return true;
  }

  async flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    await this.#write();
  }

  #add(digests: readonly string[]): void {
    let newest = this.#segments.at(-1);
    if (newest === undefined || newest.digests.length >= this.#segmentSize) {
      newest = { number: (newest?.number ?? 0) + 1, digests: [], changed: true };
      this.#segments.push(newest);
    }
    newest.digests.push(...digests);
    newest.changed = true;
    for (const digest of digests) this.#done.add(digest);
    this.#dropOldest();
    this.#writeSoon(GATHER_MS);
  }

  /** One segment more than the capacity needs, because the newest is not full. */
  #dropOldest(): void {
    while (this.#segments.length > SEGMENTS + 1) {
      const oldest = this.#segments.shift();
      if (oldest === undefined) return;
      for (const digest of oldest.digests) this.#done.delete(digest);
      this.#dropped.push(oldest.number);
      this.#writeSoon(GATHER_MS);
    }
  }

  #writeSoon(delayMs: number): void {
    this.#cancelWrite ??= this.#host.clock.at(this.#host.clock.now() + delayMs, () => {
      this.#cancelWrite = undefined;
      void this.#write();
    });
  }

  /** One writer at a time; never rejects. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        for (const segment of this.#segments) {
          if (!segment.changed) continue;
          segment.changed = false;
          await this.#put(segment);
        }
        for (const number of this.#dropped.slice()) {
          await this.#host.objects.delete(`${this.#prefix}${number}`);
          this.#dropped = this.#dropped.filter((dropped) => dropped !== number);
        }
      } catch (error) {
        this.#host.log('warn', 'What was seen of external events cannot be kept; it is tried again.', { error: String(error) });
        this.#writeSoon(RETRY_MS);
      }
    });
    return this.#writing;
  }

  async #put(segment: Segment): Promise<void> {
    try {
      await this.#host.objects.put(`${this.#prefix}${segment.number}`, segment.digests.join('\n'));
    } catch (error) {
      segment.changed = true;
      throw error;
    }
  }
}

/** Of one length, and without anything of a signature. */
function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22);
}
