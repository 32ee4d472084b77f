import type { LogChunk } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { CollectOptions, LogSeal, OpenLogSource } from './log-store.ts';
import { PackSender } from './pack-sender.ts';
import type { LogSession } from './protocol.ts';
import { LaneLost } from './protocol.ts';

export interface Collecting extends CollectOptions {
  readonly attemptId: string;
  readonly open: OpenLogSource;
  readonly signal: AbortSignal;
  /** There is no log yet, so that, where nothing is masked, nobody need be asked where to go on. */
  readonly isNew: boolean;
}

/**
 * One reading of a source, from its opening to its end. Resolves with the seal; rejects with the source's error, with `CANCELLED`, or
 * with `LaneLost`, and has given the source up by then.
 */
export async function collectOnce(session: LogSession, collecting: Collecting): Promise<LogSeal> {
  const { open, signal, isNew, replay, masking, cut } = collecting;
  let { attemptId } = collecting;
  let begun = 0;
  const state = isNew && masking === undefined ? {} : await session.call('open', masking ? { attemptId, masking } : { attemptId });
  if (state.seal !== undefined) return state.seal;

  const giveUp = new AbortController();
  let interrupt: (error: unknown) => void = () => undefined;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    interrupt(failure.error);
    giveUp.abort();
  };
  const cancel = (): void => fail(cancelled(attemptId));
  /** Waits for the source or the sender, and no longer when the rest has become pointless. */
  const interruptible = <Value>(wait: () => Promise<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) {
        reject(failure.error);
        return;
      }
      interrupt = reject;
      wait().then(resolve, reject);
    });

  const sender = new PackSender(session, attemptId, fail);
  let chunks: AsyncIterator<LogChunk> | undefined;
  signal.addEventListener('abort', cancel, { once: true });
  try {
    if (signal.aborted) throw cancelled(attemptId);
    const source = open(state.cursor, giveUp.signal)[Symbol.asyncIterator]();
    chunks = source;
    for (;;) {
      const next = await interruptible(() => source.next());
      if (next.done === true) break;
      sender.add(next.value);
      if (!replay) await interruptible(() => sender.answered());
      else if (sender.full) await interruptible(() => sender.room());
      // What is carried over is cut with its line, and not for its size.
      if (cut === undefined || sender.size.lines === 0 || sender.size.bytes < begun + cut.bytes) continue;
      await interruptible(() => sender.answered());
      cut.begins();
      const rolled = await interruptible(() => session.call('roll', { attemptId }));
      // Where the next one cannot be written, not every chunk tries it.
      begun = rolled === null ? sender.size.bytes : rolled.bytes;
      if (rolled !== null) {
        attemptId = rolled.into;
        sender.goOnIn(attemptId);
      }
      await interruptible(() => cut.done(attemptId));
    }
    // What is left and the seal travel together.
    sender.send();
    const seal = session.call('seal', { attemptId });
    await Promise.allSettled([seal, sender.answered()]);
    if (sender.failure !== undefined) throw sender.failure.error;
    return await seal;
  } catch (error) {
    giveUp.abort();
    await settleAbandoned(chunks, error);
    await sender.answered();
    // A thread that is gone holds nothing that could be released.
    await session.call('release', { attemptId }).catch(ignoreLoss);
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/**
 * Ends a source that is not read any further. After a thread's death it is waited for, as an attempt has one reader at a time and
 * it is about to be opened again; otherwise one that does not heed its signal holds nobody up.
 */
async function settleAbandoned(chunks: AsyncIterator<LogChunk> | undefined, reason: unknown): Promise<void> {
  // How an abandoned source ends is of no interest: why it was abandoned is what the caller hears.
  const ended = Promise.resolve(chunks?.return?.()).catch(() => undefined);
  if (reason instanceof LaneLost) await ended;
}

/** For calls that a thread's death makes needless. */
export function ignoreLoss(error: unknown): void {
  if (!(error instanceof LaneLost)) throw error;
}

function cancelled(attemptId: string): GoferError {
  return new GoferError('CANCELLED', `collecting the log of attempt ${attemptId} was cancelled`);
}
