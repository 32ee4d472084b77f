/** The caller's end of one stream: an iterator whose items are asked for across the port. */
import { fromFailure, GoferError, toFailure } from '../errors.ts';
import { compact } from './compact.ts';
import type { ServerMessage } from './protocol.ts';

/** What a stream says to the plugin's end. */
type StreamRequest =
  | { readonly kind: 'next' | 'return' | 'input-end' }
  | { readonly kind: 'input-item'; readonly value: unknown }
  | { readonly kind: 'input-failed'; readonly failure: ReturnType<typeof toFailure> };

export interface StreamWire {
  /** Called once, before anything is sent. */
  readonly open: (hasInput: boolean) => void;
  /** Throws when the port is dead. */
  readonly send: (request: StreamRequest) => void;
  /** Called once, when nothing more can arrive. */
  readonly done: () => void;
}

type Result = IteratorResult<unknown>;
const ENDED: Result = { done: true, value: undefined };

export class RemoteStream implements AsyncIterator<unknown> {
  readonly #wire: StreamWire;
  readonly #window: number;
  readonly #input: AsyncIterator<unknown> | undefined;
  #state: 'new' | 'open' | 'over' = 'new';
  /** Items that came before they were read, at most as many as the window. */
  #items: unknown[] = [];
  #readers: PromiseWithResolvers<Result>[] = [];
  #asked = 0;
  /** Told to one reader; whoever reads on hears of the end. */
  #failure: GoferError | undefined;
  #left: PromiseWithResolvers<void> | undefined;

  /** `window`: how many items may be asked for ahead of the reader. */
  constructor(wire: StreamWire, window: number, input: AsyncIterable<unknown> | undefined) {
    this.#wire = wire;
    this.#window = window;
    this.#input = input?.[Symbol.asyncIterator]();
  }

  async next(): Promise<Result> {
    if (this.#state === 'new') {
      this.#state = 'open';
      try {
        this.#wire.open(this.#input !== undefined);
      } catch (error) {
        this.#end();
        throw error;
      }
    }
    if (this.#items.length > 0) {
      const value = this.#items.shift();
      this.#ask();
      return { done: false, value };
    }
    if (this.#state === 'over') {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      return ENDED;
    }
    const reader = Promise.withResolvers<Result>();
    this.#readers.push(reader);
    this.#ask();
    return reader.promise;
  }

  async return(): Promise<Result> {
    this.#items = [];
    this.#failure = undefined;
    if (this.#state === 'new') this.#end();
    if (this.#state === 'open') {
      if (this.#left === undefined) {
        this.#left = Promise.withResolvers<void>();
        this.#wire.send({ kind: 'return' });
      }
      await this.#left.promise;
    }
    return ENDED;
  }

  receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'item': {
        this.#asked--;
        const reader = this.#readers.shift();
        if (reader !== undefined) reader.resolve({ done: false, value: message.value });
        else if (this.#left === undefined) this.#items.push(message.value);
        return;
      }
      case 'end':
        this.#end();
        return;
      case 'failed':
        // Whoever has left does not hear how the leaving went.
        this.#end(this.#left === undefined ? fromFailure(message.failure) : undefined);
        return;
      case 'input-next':
        void this.#feed();
        return;
      case 'input-return':
        this.#leaveInput();
        return;
      case 'result':
      case 'ready':
        this.#end(new GoferError('INTERNAL', `the plugin answered a stream with "${message.kind}"`));
        return;
      default:
        message satisfies never;
    }
  }

  /** The port is dead. */
  fail(error: GoferError): void {
    this.#end(error);
  }

  #ask(): void {
    while (this.#state === 'open' && this.#asked + this.#items.length < this.#readers.length + this.#window) {
      this.#asked++;
      this.#wire.send({ kind: 'next' });
    }
  }

  #end(failure?: GoferError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#wire.done();
    this.#failure = failure;
    for (const reader of this.#readers.splice(0)) {
      if (this.#failure === undefined) reader.resolve(ENDED);
      else reader.reject(this.#failure);
      this.#failure = undefined;
    }
    this.#left?.resolve();
    this.#leaveInput();
  }

  async #feed(): Promise<void> {
    const input = this.#input;
    if (input === undefined) return;
    let request: StreamRequest;
    try {
      const item = await input.next();
      request = item.done === true ? { kind: 'input-end' } : { kind: 'input-item', value: compact(item.value) };
    } catch (error) {
      request = { kind: 'input-failed', failure: toFailure(error) };
    }
    if (this.#state === 'open') this.#wire.send(request);
  }

  #leaveInput(): void {
    // How the caller's own input takes its end is not the plugin's concern.
    this.#input?.return?.().catch(() => undefined);
  }
}
