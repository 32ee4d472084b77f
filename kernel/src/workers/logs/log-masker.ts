import { patternTable } from '../masking/pattern-cache.ts';
import type { PatternTable } from '../masking/pattern-table.ts';
import type { MaskerState } from '../masking/stream-masker.ts';
import { INITIAL_STATE, StreamMasker } from '../masking/stream-masker.ts';
import type { LogMasking } from './log-store.ts';
import { openState, sealState } from './sealed-state.ts';

export type MaskedStream = 'stdout' | 'stderr';
export const MASKED_STREAMS: readonly MaskedStream[] = ['stdout', 'stderr'];

const NOTHING = new Uint8Array(0);

/** A stream's masker, and the state that the index knows of it. */
interface Masked {
  readonly masker: StreamMasker;
  written: MaskerState | undefined;
}

/** Masks both outputs of one attempt, each for itself, and seals what is held back between two chunks. */
export class LogMasker {
  readonly #attemptId: string;
  readonly #masking: LogMasking;
  readonly #streams: Readonly<Record<MaskedStream, Masked>>;

  private constructor(attemptId: string, masking: LogMasking, states: Readonly<Record<MaskedStream, MaskerState>>) {
    const table: PatternTable = patternTable(masking.values);
    // One record is written in any case: it says that the log was begun with masking.
    const masked = (stream: MaskedStream, written?: MaskerState): Masked => ({ masker: new StreamMasker(table, states[stream]), written });
    this.#attemptId = attemptId;
    this.#masking = masking;
    this.#streams = { stdout: masked('stdout'), stderr: masked('stderr', isEmpty(states.stderr) ? states.stderr : undefined) };
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

  /** The same with other values, another key, or for another log. */
  renew(masking: LogMasking = this.#masking, attemptId = this.#attemptId): LogMasker {
    const { stdout, stderr } = this.#streams;
    return new LogMasker(attemptId, masking, { stdout: stdout.masker.state, stderr: stderr.masker.state });
  }

  /** What of a stream can be kept now. */
  push(stream: MaskedStream, bytes: Uint8Array): readonly Uint8Array[] {
    return this.#streams[stream].masker.push(bytes);
  }

  /** What is left of a stream at its end. */
  end(stream: MaskedStream): Uint8Array {
    return this.#streams[stream].masker.end();
  }

  /** Whether anything is remembered that the index would have to know if the log were to go on from here. */
  get holdsBack(): boolean {
    return MASKED_STREAMS.some((stream) => !isEmpty(this.#streams[stream].masker.state));
  }

  /** What the index has to be told now, as it does not know it yet: sealed states, empty where nothing is held back any more. */
  changes(): { readonly stream: MaskedStream; readonly sealed: Uint8Array }[] {
    const changes: { stream: MaskedStream; sealed: Uint8Array }[] = [];
    for (const stream of MASKED_STREAMS) {
      const masked = this.#streams[stream];
      const { written } = masked;
      const { state } = masked.masker;
      if (state === written || (written !== undefined && isEmpty(written) && isEmpty(state))) continue;
      masked.written = state;
      changes.push({ stream, sealed: isEmpty(state) ? NOTHING : sealState(state, this.#masking.key, this.#attemptId, stream) });
    }
    return changes;
  }
}

function isEmpty(state: MaskerState): boolean {
  return state.held.length === 0 && !state.inMask;
}
