/** Output that is full of secrets, cut into small pieces, for the tests that kill what collects it. */
import type { LogMasking, OpenLogSource } from './log-store.ts';
import type { TestPiece } from './test-source.ts';
import { chunk } from './test-source.ts';

export const MASKING: LogMasking = {
  values: ['Kronos-Zephyr-Quartz-1742', 'first line of a key\nsecond line of a key\nthird line of a key\n', 'overlap-overlap-over'],
  key: Buffer.alloc(32, 'masking-key-'),
};

/** What the values begin with and what stands in them: nothing of it may be found in a file. */
export const TRACES = ['Kron', 'Zephyr', 'first li', 'second', 'third', 'overlap', 'S3Jvbm9z', 'masking-key'];

/** The lines as they are printed on one stream, and as they are kept. */
export function maskedLines(count: number, stream: string): { readonly printed: string; readonly kept: string } {
  const printed = Array.from(
    { length: count },
    (_, line) =>
      `${stream} ${line} token=Kronos-Zephyr-Quartz-1742 and overlap-overlap-overlap-over;\n${line % 3 === 0 ? (MASKING.values[1] ?? '') : `${Buffer.from('Kronos-Zephyr-Quartz-1742').toString('base64')}\n`}`,
  );
  const kept = Array.from(
    { length: count },
    (_, line) =>
      `${stream} ${line} token=[redacted] and [redacted];\n${line % 3 === 0 ? '[redacted]\n[redacted]\n[redacted]\n' : '[redacted]\n'}`,
  );
  return { printed: printed.join(''), kept: kept.join('') };
}

/** Both streams, a piece of `size` bytes of each in turn. */
export function maskedPieces(count: number, size: number): TestPiece[] {
  const streams = (['stdout', 'stderr'] as const).map((stream) => ({ stream, bytes: Buffer.from(maskedLines(count, stream).printed) }));
  const pieces: TestPiece[] = [];
  for (let at = 0; streams.some(({ bytes }) => at < bytes.length); at += size) {
    for (const { stream, bytes } of streams) if (at < bytes.length) pieces.push({ stream, time: 1, bytes: bytes.subarray(at, at + size) });
  }
  return pieces;
}

/**
 * A source that forgets: what lies behind a cursor that it was asked to go on from, or a piece behind which it was asked for the next,
 * is never given again. `stop` is called when the piece of that number is asked for, and waited for.
 */
export function forgettingSource(pieces: readonly TestPiece[], stops: ReadonlyMap<number, () => Promise<void>>): OpenLogSource {
  let given = 0;
  return async function* (after) {
    const from = after === undefined ? 0 : Number(after) + 1;
    if (from < given - 1) throw new Error(`asked for ${from} again, and ${given} pieces have been given`);
    for (let at = from; at < pieces.length; at++) {
      await stops.get(at)?.();
      const one = pieces[at];
      if (one === undefined) return;
      given = at + 1;
      yield chunk(at, one.stream, one.bytes, one.time);
    }
  };
}
