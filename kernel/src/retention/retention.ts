/** When expiry is looked at: behind runs that have ended, for their pipeline, and by its own timer for everything there is. */
import { setImmediate as turn } from 'node:timers/promises';
import type { PluginLog } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';
import type { Expiry } from './expiry.ts';

export interface RetentionParts {
  readonly store: Store;
  readonly expiry: Pick<Expiry, 'ofPipeline' | 'events' | 'identity' | 'deliveries'>;
  /** Milliseconds between two looks at everything. */
  readonly intervalMs: number;
  readonly log: PluginLog;
  readonly leave: AbortSignal;
}

/** The longest that a timer of Node's can be set to, milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Runs that end within so many milliseconds are looked at together. */
const TOGETHER_MS = 250;
const PAGE = 200;

export class Retention {
  readonly #parts: RetentionParts;
  /** Pipelines of which a run has ended. */
  readonly #ended = new Set<string>();
  #soon: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** One look at a time. */
  #tail: Promise<void> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Looks at everything now, and again after each interval. */
  start(): void {
    void this.lookAtAll();
    this.#timer = setInterval(() => void this.lookAtAll(), Math.min(this.#parts.intervalMs, LONGEST_TIMER_MS)).unref();
  }

  runEnded(pipelineUid: string): void {
    this.#ended.add(pipelineUid);
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.#enqueue(async () => {
        const ended = [...this.#ended];
        this.#ended.clear();
        await this.#ofPipelines(ended);
      });
    }, TOGETHER_MS).unref();
  }

  /** Resolves when everything was looked at. */
  lookAtAll(): Promise<void> {
    const { store, expiry, leave, log } = this.#parts;
    return this.#enqueue(async () => {
      for (let page = store.pipelines.uidsAfter('', PAGE); page.length > 0 && !leave.aborted; ) {
        await this.#ofPipelines(page);
        page = store.pipelines.uidsAfter(page.at(-1) ?? '', PAGE);
      }
      await expiry.events();
      await expiry.identity();
      const untaken = await expiry.deliveries();
      if (untaken > 0)
        log('warn', 'external events were removed that no extension had taken in time (external_events.delivery_retention)', { untaken });
    });
  }

  /** Resolves when what is under way has come to a point at which it can be left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await this.#tail;
  }

  /** In a turn of the event loop each: there may be thousands, and whoever asks for something meanwhile goes first. */
  async #ofPipelines(uids: readonly string[]): Promise<void> {
    const { expiry, leave } = this.#parts;
    for (const uid of uids) {
      await turn();
      if (leave.aborted) return;
      await expiry.ofPipeline(uid);
    }
  }

  #enqueue(look: () => Promise<void>): Promise<void> {
    const { log, leave } = this.#parts;
    this.#tail = this.#tail.then(async () => {
      try {
        if (!leave.aborted) await look();
      } catch (error) {
        if (!leave.aborted) log('warn', 'what has expired could not be removed; it is tried again later', { reason: String(error) });
      }
    });
    return this.#tail;
  }
}
