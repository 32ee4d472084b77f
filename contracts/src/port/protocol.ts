/**
 * What crosses a `MessagePort` between a client of a contract and the plugin behind it. Every operation has a number chosen by the
 * client; its messages are answered in the order in which they were sent. A stream is pulled: the source is asked for one item for
 * each `next`, so whoever does not ask holds the source back. A failure crosses as data.
 */
import type { Failure } from '../errors.ts';

/** What is needed of a port; the `MessagePort` of Node's `node:worker_threads` has it. */
export interface PortLike {
  postMessage(message: unknown): void;
  on(event: 'message' | 'messageerror', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  /** Must make both ends emit `close`. */
  close(): void;
}

export type ClientMessage<Call> =
  /** One question, one `result` or `failed`. */
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly call: Call;
      readonly aborted: boolean;
    }
  /** Opens a stream; nothing is read before the first `next`. `input`: the client has an input stream for it. */
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly call: Call;
      readonly aborted: boolean;
      readonly input: boolean;
    }
  /** Asks for one item: an `item`, the `end` or `failed`. */
  | { readonly kind: 'next'; readonly id: number }
  /** The reader has left; answered by `end`. */
  | { readonly kind: 'return'; readonly id: number }
  /** The caller's signal aborted. The answer is still whatever the plugin makes of it. */
  | { readonly kind: 'abort'; readonly id: number }
  | {
      readonly kind: 'input-item';
      readonly id: number;
      readonly value: unknown;
    }
  | { readonly kind: 'input-end'; readonly id: number }
  | {
      readonly kind: 'input-failed';
      readonly id: number;
      readonly failure: Failure;
    };

export type ServerMessage =
  /** The first message: what a client has to know before it can be used (the capabilities of a scheduler). */
  | { readonly kind: 'ready'; readonly facts: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'item'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  /** The plugin asks for one item of the input. */
  | { readonly kind: 'input-next'; readonly id: number }
  /** The plugin has left the input. */
  | { readonly kind: 'input-return'; readonly id: number };
