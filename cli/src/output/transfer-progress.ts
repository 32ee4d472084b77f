import type { GoferContext } from '../gofer-context.ts';
import { formatSize } from './sizes.ts';

/** A transfer that is quicker needs no bar. */
const SHOWN_AFTER_MILLISECONDS = 1_000;
const REDRAWN_AFTER_MILLISECONDS = 100;
const WIDTH = 20;
const WIPE = '\r\u001b[K';

/** A line on stderr that says how far a transfer is, where somebody looks at it: on a terminal, in the format for people. */
export class TransferProgress {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #total: number | undefined;
  readonly #started: number;
  #drawn: number | undefined;

  constructor(options: { write: (text: string) => void; now: () => number; total: number | undefined }) {
    this.#write = options.write;
    this.#now = options.now;
    this.#total = options.total;
    this.#started = options.now();
  }

  /** `total`: bytes, undefined where nobody knows. */
  static async start(context: GoferContext, total: number | undefined): Promise<TransferProgress> {
    const { outputFormat } = await context.settings();
    const isSeen = outputFormat === 'plain' && context.stderr.isTTY === true;
    const write = isSeen ? (text: string) => void context.stderr.write(text) : () => undefined;
    return new TransferProgress({ write, now: () => context.now(), total });
  }

  /** `done`: all bytes so far. */
  update(done: number): void {
    const now = this.#now();
    if (now - this.#started < SHOWN_AFTER_MILLISECONDS || now - (this.#drawn ?? 0) < REDRAWN_AFTER_MILLISECONDS) return;
    this.#drawn = now;
    this.#write(`${WIPE}${renderProgress(done, this.#total, now - this.#started)}`);
  }

  /** The same bytes, counted as they pass. */
  async *count(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const chunk of source) {
      done += chunk.byteLength;
      this.update(done);
      yield chunk;
    }
  }

  /** Wipes the line. */
  end(): void {
    if (this.#drawn !== undefined) this.#write(WIPE);
    this.#drawn = undefined;
  }
}

/** Under 80 columns. */
function renderProgress(done: number, total: number | undefined, milliseconds: number): string {
  const rate = `${formatSize(Math.round((done * 1_000) / milliseconds))}/s`;
  if (total === undefined || total === 0) return `${formatSize(done)}  ${rate}`;
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
  return `${bar} ${Math.floor(share * 100)} %  ${formatSize(done)} of ${formatSize(total)}  ${rate}`;
}
