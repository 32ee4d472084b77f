/** One fake attempt: runs its steps, at once as far as none of them waits, and remembers how it ended. */

import type { Json, TaskExit, TaskHandle, TaskSpec } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { fetchBody } from './fake-fetch.ts';
import { FakeOutput } from './fake-output.ts';
import type { FakeRule, FakeStep } from './fake-script.ts';

const TERMINATED = 128 + 15;
const KILLED = 128 + 9;
/** How often a rate of lines is paid out. */
const BURST_MS = 20;

const encoder = new TextEncoder();
export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

export class FakeTask {
  readonly spec: TaskSpec;
  readonly handle: TaskHandle;
  readonly rule: FakeRule;
  readonly startedAt = Date.now();
  readonly output = new FakeOutput();
  removed = false;
  #steps: readonly FakeStep[];
  #next = 0;
  #linesDone = 0;
  #onTerm: 'default' | 'ignore' | { readonly print_base64?: string; readonly exit: number } = 'default';
  #exit: TaskExit | undefined;
  #told = false;
  /** Aborts with the end. */
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #force: NodeJS.Timeout | undefined;
  #onEnd: (() => void)[] = [];
  #onTold: (() => void)[] = [];

  constructor(spec: TaskSpec, handle: { readonly [key: string]: Json }, rule: FakeRule, steps: readonly FakeStep[]) {
    this.spec = spec;
    this.handle = handle;
    this.rule = rule;
    this.#steps = steps;
  }

  get exit(): TaskExit | undefined {
    return this.#exit;
  }

  run(): void {
    while (this.#exit === undefined) {
      const step = this.#steps[this.#next];
      if (step === undefined) {
        this.#end({ kind: 'exited', exitCode: 0, endedAt: Date.now() });
        return;
      }
      const pause = this.#take(step);
      if (typeof pause !== 'number') {
        void pause.then(() => this.run());
        return;
      }
      if (pause > 0) {
        this.#timer = later(pause, () => this.run());
        return;
      }
    }
  }

  /** Does a step, or its next part, and returns the milliseconds to wait before going on, or what to wait for. */
  #take(step: FakeStep): number | Promise<void> {
    if ('lines' in step && step.per_second !== undefined) return this.#takeLines(step.lines, step.per_second, step.stream ?? 'stdout');
    this.#next++;
    if ('print' in step) this.output.print(step.stream ?? 'stdout', encoder.encode(step.print));
    else if ('print_base64' in step) this.output.print(step.stream ?? 'stdout', fromBase64(step.print_base64));
    else if ('lines' in step) this.output.lines(step.stream ?? 'stdout', 1, step.lines);
    else if ('fill' in step) this.output.fill(step.stream ?? 'stdout', step.fill);
    else if ('environment' in step) this.output.print('stdout', encoder.encode(environmentText(this.spec)));
    else if ('ignore_term' in step) this.#onTerm = 'ignore';
    else if ('on_term' in step) this.#onTerm = step.on_term;
    else if ('sleep_ms' in step) return step.sleep_ms;
    else if ('get' in step) return this.#get(step.get);
    else if ('exit' in step) this.#end({ kind: 'exited', exitCode: step.exit, endedAt: Date.now() });
    else if ('lose' in step) this.#end({ kind: 'lost', reason: step.lose, endedAt: Date.now() });
    // `echo` is left: a task has no input, so there is nothing to copy.
    return 0;
  }

  async #get(url: string): Promise<void> {
    const body = await fetchBody(url, this.#over.signal);
    if (this.#exit !== undefined) return;
    if (body === undefined) this.#end({ kind: 'exited', exitCode: 1, endedAt: Date.now() });
    else this.output.print('stdout', body);
  }

  #takeLines(total: number, perSecond: number, stream: 'stdout' | 'stderr'): number {
    const burst = Math.min(total - this.#linesDone, Math.max(1, Math.round((perSecond * BURST_MS) / 1000)));
    this.output.lines(stream, this.#linesDone + 1, burst);
    this.#linesDone += burst;
    if (this.#linesDone >= total) {
      this.#linesDone = 0;
      this.#next++;
    }
    return (burst * 1000) / perSecond;
  }

  /** Resolves when the task has ended. */
  stop(graceMs: number): Promise<void> {
    if (this.#exit !== undefined) return Promise.resolve();
    const ended = new Promise<void>((resolve) => this.#onEnd.push(resolve));
    if (graceMs <= 0) this.#kill();
    else if (this.#onTerm === 'default')
      this.#end({ kind: 'exited', exitCode: TERMINATED, endedAt: Date.now(), reason: 'ended by SIGTERM' });
    else if (this.#onTerm === 'ignore') {
      clearTimeout(this.#force);
      this.#force = later(graceMs, () => this.#kill());
    } else {
      this.output.print('stdout', fromBase64(this.#onTerm.print_base64 ?? ''));
      this.#end({ kind: 'exited', exitCode: this.#onTerm.exit, endedAt: Date.now() });
    }
    return ended;
  }

  remove(): void {
    this.removed = true;
    this.#kill();
    this.tell();
    this.output.end();
  }

  /** Resolves when the end may be known, or when `signal` aborts. */
  told(signal: AbortSignal): Promise<void> {
    if (this.#told || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#onTold.push(wake);
    });
  }

  /** The end becomes known, if there is one: an event that was lost is made good. */
  tell(): void {
    if (this.#exit === undefined) return;
    this.#told = true;
    for (const wake of this.#onTold.splice(0)) wake();
  }

  /** Resolves when the task has ended or `signal` aborts, whether or not the end was told. */
  ended(signal: AbortSignal): Promise<void> {
    if (this.#exit !== undefined || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#onEnd.push(wake);
    });
  }

  #kill(): void {
    this.#end({ kind: 'exited', exitCode: KILLED, endedAt: Date.now(), reason: 'ended by SIGKILL' });
  }

  #end(exit: TaskExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.#over.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#force);
    this.output.end();
    for (const wake of this.#onEnd.splice(0)) wake();
    const { end_told: endTold } = this.rule;
    if (endTold === undefined) this.tell();
    else if (endTold !== 'when inspected') later(endTold.after_ms, () => this.tell());
  }
}

export function environmentText(spec: TaskSpec): string {
  return Object.entries(spec.env)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** A fake's timers hold no process open: its tasks end with the process anyway. */
function later(delayMs: number, action: () => void): NodeJS.Timeout {
  return setTimeout(action, delayMs).unref();
}

/** Resolves after `delayMs`; rejects with `CANCELLED` when `signal` aborts first. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const abort = (): void => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = later(delayMs, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

export const cancelled = (): GoferError => new GoferError('CANCELLED', 'the caller gave up');
