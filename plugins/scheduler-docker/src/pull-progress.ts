/** How far a pull has come, from the messages of the engine about each layer. */

/** One line of the engine's answer to a pull. */
export interface PullMessage {
  readonly status?: string;
  /** The layer. */
  readonly id?: string;
  readonly progressDetail?: {
    readonly current?: number;
    readonly total?: number;
  };
  readonly error?: string;
}

interface Layer {
  current: number;
  total: number;
}

/** An image has at most 127 layers; a registry that names more is not believed. */
const MOST_LAYERS = 1_000;

export class PullProgress {
  #layers = new Map<string, Layer>();
  #percent = 0;

  add(message: PullMessage): void {
    const { id, status, progressDetail } = message;
    if (id === undefined || status === undefined) return;
    const layer = this.#layer(id);
    if (layer === undefined) return;
    if (status === 'Downloading' && progressDetail?.total !== undefined && progressDetail.total > 0) {
      layer.total = progressDetail.total;
      layer.current = Math.min(progressDetail.current ?? 0, layer.total);
    } else if (status === 'Download complete' || status === 'Pull complete' || status === 'Verifying Checksum') {
      layer.current = layer.total;
    } else {
      return;
    }
    let current = 0;
    let total = 0;
    for (const one of this.#layers.values()) {
      current += one.current;
      total += one.total;
    }
    // A layer whose size becomes known late would make it go back.
    if (total > 0) this.#percent = Math.max(this.#percent, Math.floor((current / total) * 100));
  }

  /** For a person, as `pulling image 42 %`. */
  get text(): string {
    return this.#percent === 0 ? 'pulling image' : `pulling image ${this.#percent} %`;
  }

  #layer(id: string): Layer | undefined {
    const known = this.#layers.get(id);
    if (known !== undefined || this.#layers.size >= MOST_LAYERS) return known;
    const layer = { current: 0, total: 0 };
    this.#layers.set(id, layer);
    return layer;
  }
}
