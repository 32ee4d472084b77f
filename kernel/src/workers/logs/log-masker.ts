import { patternTable } from '../masking/pattern-cache.ts';
import type { PatternTable } from '../masking/pattern-table.ts';
import type { MaskerState } from '../masking/stream-masker.ts';
import { INITIAL_STATE, StreamMasker } from '../masking/stream-masker.ts';
import type { LogMasking } from './log-store.ts';
import { openState, sealState } from './sealed-state.ts';

export type MaskedStream = 'stdout' | 'stderr';
export const MASKED_STREAMS: readonly MaskedStream[] = ['stdout', 'stderr'];

const NOTHING = new Uint8Array(0);

/** A stream's masker, and what the index says about it. */
interface Masked {
  readonly masker: StreamMasker;
  /** What was written last stands for a masker that holds nothing. */
  writtenEmpty: boolean;
}

/** Masks both outputs of one attempt, each for itself, and seals what is held back between two chunks. */
export class LogMasker {
  readonly #attemptId: string;
  readonly #key: Uint8Array;
  readonly #streams: Readonly<Record<MaskedStream, Masked>>;

  private constructor(attemptId: string, { values, key }: LogMasking, states: Readonly<Record<MaskedStream, MaskerState>>) {
    const table: PatternTable = patternTable(values);
    // Each stream's first chunk writes its state in any case: that the log has one says that it was begun with masking.
    const masked = (stream: MaskedStream): Masked => ({ masker: new StreamMasker(table, states[stream]), writtenEmpty: false });
    this.#attemptId = attemptId;
    this.#key = key;
    this.#streams = { stdout: masked('stdout'), stderr: masked('stderr') };
  }

  /** Goes on from the sealed states of an earlier one. Undefined where one of them cannot be opened with this key. */
  static resume(attemptId: string, masking: LogMasking, sealed: ReadonlyMap<MaskedStream, Uint8Array>): LogMasker | undefined {
    const states = { stdout: INITIAL_STATE, stderr: INITIAL_STATE };
    for (const [stream, bytes] of sealed) {
      if (bytes.length === 0) continue;
      const state = openState(bytes, masking.key, attemptId, stream);
      if (state === undefined) return undefined;
      states[stream] = state;
    }
    return new LogMasker(attemptId, masking, states);
  }

  /** The same with other values or another key. */
  renew(masking: LogMasking): LogMasker {
    const { stdout, stderr } = this.#streams;
    return new LogMasker(this.#attemptId, masking, { stdout: stdout.masker.state, stderr: stderr.masker.state });
  }

  /** What of a stream can be kept now. */
  push(stream: MaskedStream, bytes: Uint8Array): readonly Uint8Array[] {
    return this.#streams[stream].masker.push(bytes);
  }

  /** What is left of a stream at its end. */
  end(stream: MaskedStream): Uint8Array {
    return this.#streams[stream].masker.end();
  }

  /** What the index has to say behind a chunk: the sealed state, nothing where there is none any more, undefined where it is as it was. */
  sealed(stream: MaskedStream): Uint8Array | undefined {
    const masked = this.#streams[stream];
    const { state } = masked.masker;
    const isEmpty = state.held.length === 0 && !state.inMask;
    if (isEmpty && masked.writtenEmpty) return undefined;
    masked.writtenEmpty = isEmpty;
    return isEmpty ? NOTHING : sealState(state, this.#key, this.#attemptId, stream);
  }
}
