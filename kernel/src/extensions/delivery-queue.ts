/**
 * Hands one extension what came in for it from outside, at least once each: new events in the order of their arrival, some at a time, as
 * soon as they are committed. Everything that waits is in the database; here is only what the extension has been handed and not answered.
 */
import { codeOf, GoferError, type PluginLog } from '@gofer/contracts';
import { type Clock, pause, timeLeft } from '../clock/clock.ts';
import type { DeliveryContent, DueDelivery } from '../storage/deliveries-table.ts';
import type { Store } from '../storage/store.ts';
import { type Handover, judge, LONGEST_DELAY_MS } from './delivery-verdict.ts';
import type { ExtensionCalls } from './extension-calls.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface DeliveryQueueParts {
  readonly store: Store;
  readonly calls: Pick<ExtensionCalls, 'isReady' | 'deliver'>;
  readonly clock: Clock;
  /** At least 0, less than 1. */
  readonly random: () => number;
  readonly log: PluginLog;
  /** Aborts when nothing is to be begun any more. */
  readonly leave: AbortSignal;
}

/** Events that an extension has at once, and bytes of their bodies: one may be larger. */
const WIDTH = 8;
const WIDTH_BYTES = 64 * 1024 * 1024;
/** Between two attempts to write down what has come of one. */
const WRITE_AGAIN_MS = 5_000;
const LONGEST_MESSAGE = 500;

export class DeliveryQueue {
  readonly #extensionId: string;
  readonly #parts: DeliveryQueueParts;
  /** By its place in the database, with the bytes of its body. */
  readonly #handed = new Map<number, number>();
  readonly #ends = new Set<Promise<void>>();
  readonly #asked = new Set<Promise<Handover>>();
  /** How many want nothing to be handed over. */
  #holds = 0;
  #bytes = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(extensionId: string, parts: DeliveryQueueParts) {
    this.#extensionId = extensionId;
    this.#parts = parts;
  }

  /** Hands over what is due and has room; to be called whenever that may have changed. `by`: what is due then is due now. */
  advance(by = this.#parts.clock.now()): void {
    const { calls, leave, log, store } = this.#parts;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (leave.aborted || this.#holds > 0 || !calls.isReady(this.#extensionId)) return;
    try {
      const uid = store.deliveries.receiver(this.#extensionId)?.uid;
      if (uid === undefined) return;
      // Those that it has are due too.
      for (const due of store.deliveries.due(uid, by, WIDTH + this.#handed.size)) {
        if (this.#handed.has(due.seq)) continue;
        if (!this.#hasRoom(due)) return;
        this.#begin(due);
      }
      if (this.#handed.size < WIDTH) this.#waitForNext(store.deliveries.nextDue(uid, by));
    } catch (error) {
      log('error', 'external events could not be read; it is tried again', { extension: this.#extensionId, error });
      this.#cancelTimer = this.#parts.clock.after(WRITE_AGAIN_MS, () => this.advance());
    }
  }

  /**
   * `work` begins once the extension has answered all that it was handed, and it is handed nothing until that has ended. Rejects with
   * `UNAVAILABLE`, and begins nothing, where `stopping` aborts before.
   */
  async whileHeld<T>(work: () => Promise<T>, stopping: AbortSignal): Promise<T> {
    this.#holds += 1;
    try {
      await unlessAborted(Promise.all(this.#asked), stopping).catch(() => {
        throw new GoferError('UNAVAILABLE', 'The server is stopping.');
      });
      return await work();
    } finally {
      this.#holds -= 1;
      this.advance();
    }
  }

  /** Resolves when the extension has answered what it was handed, and that is written down. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }

  /** The wall clock may have been set since: no wait is longer than the longest, and what was waited for is due. */
  #waitForNext(at: number | undefined): void {
    const { clock } = this.#parts;
    if (at === undefined) return;
    this.#cancelTimer = clock.after(timeLeft(clock, at, LONGEST_DELAY_MS), () => this.advance(Math.max(at, clock.now())));
  }

  #hasRoom({ size }: DueDelivery): boolean {
    return this.#handed.size === 0 || (this.#handed.size < WIDTH && this.#bytes + size <= WIDTH_BYTES);
  }

  #begin({ seq, size }: DueDelivery): void {
    this.#handed.set(seq, size);
    this.#bytes += size;
    const end = this.#handOver(seq).finally(() => {
      this.#ends.delete(end);
      this.#handed.delete(seq);
      this.#bytes -= size;
      this.advance();
    });
    this.#ends.add(end);
  }

  async #handOver(seq: number): Promise<void> {
    const { clock, leave, log, store } = this.#parts;
    let content: DeliveryContent | undefined;
    try {
      content = store.deliveries.content(seq);
    } catch (error) {
      // It keeps its place until then, so that it is not asked for again and again.
      log('error', 'an external event could not be read; it is tried again', { extension: this.#extensionId, error });
      await pause(clock, WRITE_AGAIN_MS, leave).catch(() => {
        // The server stops: it is read again by the next one.
      });
    }
    if (content === undefined) return;
    const asked = this.#ask(content);
    this.#asked.add(asked);
    const handover = await asked;
    this.#asked.delete(asked);
    await this.#writeDown(seq, content, handover);
  }

  /** Rejects never. */
  async #ask({ again, body, headers, id, received }: DeliveryContent): Promise<Handover> {
    const { calls, log } = this.#parts;
    try {
      return await calls.deliver(this.#extensionId, { headers, body, id, received, again });
    } catch (error) {
      if (codeOf(error) === 'INTERNAL')
        log('error', 'handing an external event over failed: this is a bug', { extension: this.#extensionId, delivery: id, error });
      return { reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Goes on until it is written, so that an event is not handed over again for want of room on the disk. */
  async #writeDown(seq: number, { failures, id }: DeliveryContent, handover: Handover): Promise<void> {
    const { clock, leave, log, random, store } = this.#parts;
    const verdict = judge(handover, failures, random());
    const message = 'reason' in handover ? handover.reason : handover.message;
    const result = {
      state: verdict.state,
      nextAttempt: verdict.state === 'pending' ? clock.now() + verdict.delayMs : 0,
      finished: verdict.state === 'pending' ? 0 : clock.now(),
      statusCode: handover.statusCode,
      message: message?.slice(0, LONGEST_MESSAGE),
    };
    const names = { extension: this.#extensionId, delivery: id };
    for (;;) {
      try {
        await store.commit(() => store.deliveries.record(seq, result));
        break;
      } catch (error) {
        // Once the server stops the next one hands it over again.
        if (leave.aborted) return;
        log('error', 'what an extension answered to an external event could not be written down; it is tried again', { ...names, error });
        await pause(clock, WRITE_AGAIN_MS, leave).catch(() => {
          // The server stops, which the next turn finds out.
        });
      }
    }
    const said = { ...names, statusCode: handover.statusCode, message: result.message };
    if (verdict.state === 'failed') log('warn', 'an external event was given up: its extension did not take it', said);
    else if (verdict.state !== 'delivered') log('debug', `an external event is ${verdict.state}`, said);
  }
}
