/** A mistake in a pipeline, thrown by the call that made it, or by `validate`, `toJSON` and `finish` for what only the whole shows. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  /** Every mistake that was found; the message holds them all. */
  readonly faults: readonly string[];

  constructor(message: string, faults: readonly string[] = [message]) {
    super(message);
    this.faults = faults;
  }
}
