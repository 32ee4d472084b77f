/** How far a stream of events is done with, where several are worked on at once: behind the position nothing is finished for sure. */
export class EventPosition {
  #position: string | undefined;
  readonly #underWay: { readonly id: string; done: boolean; readonly onPassed: () => void }[] = [];

  constructor(position: string | undefined) {
    this.#position = position;
  }

  /** The last event before which, and with which, all are done. */
  get position(): string | undefined {
    return this.#position;
  }

  get underWay(): number {
    return this.#underWay.length;
  }

  /** In the order of the stream. Answers with what is called when it is done; `onPassed` is when the position has passed it. */
  begin(id: string, onPassed: () => void): () => void {
    const event = { id, done: false, onPassed };
    this.#underWay.push(event);
    return () => {
      event.done = true;
      while (this.#underWay[0]?.done === true) {
        const passed = this.#underWay.shift();
        this.#position = passed?.id;
        passed?.onPassed();
      }
    };
  }
}
