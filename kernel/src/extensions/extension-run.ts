/**
 * One start of an extension that runs, from the moment its host has started or found it to its end: until it is healthy, while it is
 * watched, and how it is ended.
 */
import type { ExtensionDocumentation } from '@gofer/contracts/api';
import { type Clock, pause } from '../clock/clock.ts';
import type { ExtensionClient } from './extension-client.ts';
import type { ExtensionEnd, RunningExtension } from './extension-host.ts';
import { messageOf } from './extension-log.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface RunTimes {
  /** How long it may take until it is healthy. */
  readonly startTimeoutMs: number;
  readonly healthIntervalMs: number;
  /** Before a start, however often those before it have failed. */
  readonly longestRestartMs: number;
}

export interface RunListener {
  /** It is healthy for the first time and has told of itself: what this resolves after is waited for until it is `ready`. */
  healthy(documentation: ExtensionDocumentation): Promise<void>;
  ready(): void;
  /** `problem`: why it counts as unhealthy, absent where it is healthy again. */
  health(problem: string | undefined): void;
}

/** From how many looks in a row that fail it counts as unhealthy, and from how many on it is ended. */
const MISSES_UNHEALTHY = 3;
const MISSES_HOPELESS = 6;
const FIRST_LOOK_MS = 100;
const LAST_LOOK_MS = 1000;

/** Why it did not go on. */
export interface RunEnd {
  /** For a person. */
  readonly reason: string;
  /** Absent where it ran on and was given up. */
  readonly end?: ExtensionEnd;
  /** How long it was healthy, milliseconds. */
  readonly healthyMs: number;
}

/** Resolves when it has ended by itself, is not healthy in time, or is so no more, or, for the signal's reason, when that aborts. */
export async function watchRun(
  running: RunningExtension,
  client: ExtensionClient,
  { startTimeoutMs, healthIntervalMs }: RunTimes,
  clock: Clock,
  signal: AbortSignal,
  listener: RunListener,
): Promise<RunEnd> {
  const over = new AbortController();
  let end: ExtensionEnd | undefined;
  void running.ended.then((how) => {
    end = how;
    over.abort();
  });
  const either = AbortSignal.any([signal, over.signal]);
  let healthySince: number | undefined;
  const healthyMs = (): number => (healthySince === undefined ? 0 : clock.monotonic() - healthySince);
  try {
    await untilHealthy(client, startTimeoutMs, clock, either);
    const documentation = await client.info(either);
    healthySince = clock.monotonic();
    await unlessAborted(listener.healthy(documentation), either);
    listener.ready();
    return { reason: await untilHopeless(client, healthIntervalMs, clock, either, listener), healthyMs: healthyMs() };
  } catch (error) {
    if (end !== undefined) return { reason: end.reason, end, healthyMs: healthyMs() };
    return { reason: messageOf(signal.aborted ? signal.reason : error), healthyMs: healthyMs() };
  }
}

async function untilHealthy(client: ExtensionClient, timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  for (let ms = FIRST_LOOK_MS; ; ms = Math.min(ms * 2, LAST_LOOK_MS)) {
    const problem = await look(client, signal);
    if (problem === undefined) return;
    if (clock.monotonic() + ms > deadline)
      throw new Error(`it was not healthy within ${Math.round(timeoutMs / 1000)} s (extensions.start_timeout): ${problem}`);
    await pause(clock, ms, signal);
  }
}

/** Resolves with the reason. */
async function untilHopeless(
  client: ExtensionClient,
  intervalMs: number,
  clock: Clock,
  signal: AbortSignal,
  listener: RunListener,
): Promise<string> {
  for (let misses = 0; ; ) {
    await pause(clock, intervalMs, signal);
    const problem = await look(client, signal);
    if (problem === undefined) {
      if (misses >= MISSES_UNHEALTHY) listener.health(undefined);
      misses = 0;
      continue;
    }
    misses += 1;
    if (misses === MISSES_HOPELESS) return `it was unhealthy ${misses} times in a row: ${problem}`;
    if (misses >= MISSES_UNHEALTHY) listener.health(problem);
  }
}

/** What is wrong with it; undefined where it is healthy. */
async function look(client: ExtensionClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    await client.health(signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

/**
 * Asks it to end, then ends it; resolves when it has. It has `graceMs` for both: at most half of it to answer, the rest to end. Rejects where
 * its host cannot be reached.
 */
export async function endRun(running: RunningExtension, client: ExtensionClient, graceMs: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + graceMs;
  const patience = new AbortController();
  const forget = clock.after(graceMs / 2, () => patience.abort());
  void running.ended.then(() => patience.abort());
  try {
    await client.shutdown(patience.signal);
  } catch {
    // Whoever does not answer is ended all the same.
  } finally {
    forget();
  }
  await running.stop(Math.max(0, deadline - clock.monotonic()));
}
