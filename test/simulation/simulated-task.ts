/** One attempt inside the simulated engine: it lives on the virtual clock, whatever becomes of the server that started it. */
import type { ErrorCode, LogChunk, TaskExit, TaskHandle, TaskSpec } from '@gofer/contracts';
import type { VirtualClock } from '../../kernel/src/clock/virtual-clock.ts';
import type { Random } from './random.ts';

/** What an attempt will do, drawn when its engine first hears of it. */
export interface Behaviour {
  readonly startMs: number;
  readonly progress: number;
  readonly refusal: ErrorCode | undefined;
  readonly runMs: number;
  readonly exitCode: number;
  /** After how long the engine loses sight of it; it goes on until it is removed. */
  readonly lostAfterMs: number | undefined;
  /** How the output ends of one that is lost. */
  readonly lostOutput: 'ends' | 'hangs' | 'is lost';
  readonly lines: number;
  /** Milliseconds from SIGTERM to its end; undefined where it ignores that. */
  readonly termMs: number | undefined;
  readonly termCode: number;
}

type Stream = 'stdout' | 'stderr';

export class SimulatedTask {
  readonly spec: TaskSpec;
  readonly handle: TaskHandle;
  readonly behaviour: Behaviour;
  /** By the wall clock, as the engine tells it. */
  readonly startedAt: number;
  /** By the monotonic clock, as are `endedSince` and `lostSince`. */
  readonly startedSince: number;
  readonly chunks: LogChunk[] = [];
  /** How many chunks the engine has forgotten, since their reader has kept them. */
  forgotten = 0;
  endedSince: number | undefined;
  lostSince: number | undefined;
  exit: TaskExit | undefined;
  isRemoved = false;
  /** When a reading of its output failed last. */
  brokenSince: number | undefined;
  /** Removed by the engine itself, since its start was taken back. */
  isTakenBack = false;
  readonly #clock: VirtualClock;
  readonly #timers = new Set<() => void>();
  #kill: { readonly at: number; readonly forget: () => void } | undefined;
  #changed: (() => void)[] = [];

  constructor(spec: TaskSpec, behaviour: Behaviour, clock: VirtualClock, random: Random) {
    this.spec = spec;
    this.handle = { attempt: spec.attemptId };
    this.behaviour = behaviour;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.startedSince = clock.monotonic();
    this.#planOutput(random);
    if (Number.isFinite(behaviour.runMs)) this.#after(behaviour.runMs, () => this.#end(behaviour.exitCode));
    if (behaviour.lostAfterMs !== undefined) this.#after(behaviour.lostAfterMs, () => this.#lose());
  }

  /** Since when the scheduler could say how it ended. */
  get overSince(): number | undefined {
    return this.lostSince === undefined ? this.endedSince : Math.min(this.lostSince, this.endedSince ?? this.lostSince);
  }

  get isRunning(): boolean {
    return this.endedSince === undefined;
  }

  /** Resolves at the next thing that happens to it. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve);
    });
  }

  stop(graceMs: number): void {
    if (!this.isRunning) return;
    const { termMs, termCode } = this.behaviour;
    if (graceMs > 0 && termMs !== undefined) this.#after(termMs, () => this.#end(termCode, 'ended by SIGTERM'));
    const at = this.#clock.monotonic() + graceMs;
    if (this.#kill !== undefined && this.#kill.at <= at) return;
    this.#kill?.forget();
    this.#kill = { at, forget: this.#after(graceMs, () => this.#end(137, 'ended by SIGKILL')) };
    if (graceMs === 0) this.#end(137, 'ended by SIGKILL');
  }

  /** As an engine does that kills only while somebody waits for it. */
  forgetStop(): void {
    this.#kill?.forget();
    this.#kill = undefined;
  }

  remove(): void {
    this.isRemoved = true;
    if (this.isRunning) this.#end(137, 'ended by its removal');
    this.#wake();
  }

  #after(ms: number, act: () => void): () => void {
    const forget = this.#clock.after(ms, act);
    this.#timers.add(forget);
    return forget;
  }

  #end(exitCode: number, reason?: string): void {
    if (!this.isRunning) return;
    this.endedSince = this.#clock.monotonic();
    for (const forget of this.#timers) forget();
    this.exit ??= { kind: 'exited', exitCode, endedAt: this.#clock.now(), ...(reason === undefined ? {} : { reason }) };
    this.#wake();
  }

  #lose(): void {
    if (this.exit !== undefined) return;
    this.lostSince = this.#clock.monotonic();
    this.exit = { kind: 'lost', reason: 'the simulated engine lost sight of it', endedAt: this.#clock.now() };
    this.#wake();
  }

  /** Numbered lines on both streams, cut into pieces anywhere, spread over its life; the last one just before its end. */
  #planOutput(random: Random): void {
    const { lines, runMs } = this.behaviour;
    const life = Number.isFinite(runMs) ? runMs : 60_000;
    const numbers = { stdout: 0, stderr: 0 };
    for (let left = lines; left > 0; left -= 1) {
      const stream = random.pick<Stream>(['stdout', 'stdout', 'stderr']);
      numbers[stream] += 1;
      const line = Buffer.from(`${stream} ${numbers[stream]} ${'x'.repeat(random.between(0, 20))}\n`);
      const cut = random.between(0, line.length - 1);
      const at = life * (1 - left / (lines + 1));
      for (const bytes of [line.subarray(0, cut), line.subarray(cut)]) {
        if (bytes.length > 0) this.#after(at, () => this.#write(stream, bytes));
      }
    }
  }

  #write(stream: Stream, bytes: Uint8Array): void {
    this.chunks.push({ stream, time: this.#clock.now(), bytes, cursor: String(this.chunks.length + 1) });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

/** The lines of one stream, whole ones only. */
export function linesOf(text: string, stream: Stream): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${stream} `));
}
