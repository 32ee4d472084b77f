import type { Colours } from '../output/presentation.ts';

/** Ids longer than this are not padded to: the text would have no room beside them. */
const WIDEST = 24;

/** Gives each task the start of its lines, `task │ `, aligned, and in a colour of its own for as long as there are colours. */
export class TaskPrefix {
  readonly #prefixes = new Map<string, string>();
  readonly #colours: Colours;
  #width: number;

  /** `taskIds`: those that are known beforehand, so that the first lines align with the later ones. */
  constructor(taskIds: readonly string[], colours: Colours) {
    this.#colours = colours;
    this.#width = Math.max(0, ...taskIds.map((id) => id.length).filter((length) => length <= WIDEST));
  }

  of(taskId: string): string {
    let prefix = this.#prefixes.get(taskId);
    if (prefix === undefined) {
      const { cyan, yellow, green, magenta, blue, red } = this.#colours;
      const palette = [cyan, yellow, green, magenta, blue, red];
      const paint = palette[this.#prefixes.size % palette.length] ?? cyan;
      if (taskId.length <= WIDEST) this.#width = Math.max(this.#width, taskId.length);
      prefix = `${paint(`${taskId.padEnd(this.#width)} │`)} `;
      this.#prefixes.set(taskId, prefix);
    }
    return prefix;
  }
}
