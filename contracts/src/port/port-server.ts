/**
 * The plugin's end of a port: turns messages into calls and their outcome into messages. It knows no contract; `PortTarget` does.
 * When the port dies, everything open is aborted and left, and the target is told.
 */
import { fromFailure, GoferError, toFailure } from '../errors.ts';
import { compact } from './compact.ts';
import type { ClientMessage, PortLike, ServerMessage } from './protocol.ts';

/** What a contract gives to the server. Both methods may throw or reject; failures are sent as data. */
export interface PortTarget<Call> {
  readonly facts: unknown;
  call(call: Call, signal: AbortSignal): Promise<unknown>;
  open(call: Call, signal: AbortSignal, input: AsyncIterable<unknown> | undefined): AsyncIterable<unknown>;
  /** The port is dead: nobody will call again. */
  lost(): Promise<void>;
}

interface Operation {
  readonly controller: AbortController;
  readonly source?: AsyncIterator<unknown>;
  readonly input?: RemoteInput;
  /** Items asked for and not yet delivered. */
  credit: number;
  pulling: boolean;
  left: boolean;
}

/** Serves `target` on `port` until the port closes. */
export function servePort<Call>(port: PortLike, target: PortTarget<Call>): void {
  const operations = new Map<number, Operation>();

  const send = (message: ServerMessage): void => {
    try {
      port.postMessage(message);
    } catch (error) {
      if (!('id' in message)) throw error;
      // What a plugin returned cannot be cloned: the caller has to hear of it, in data that can.
      const failure = toFailure(new GoferError('INTERNAL', `the plugin returned what cannot be cloned: ${String(error)}`));
      port.postMessage({
        kind: 'failed',
        id: message.id,
        failure,
      } satisfies ServerMessage);
    }
  };
  const finish = (id: number, message: ServerMessage): void => {
    operations.delete(id);
    send(message);
  };

  const call = async (id: number, data: Call, aborted: boolean): Promise<void> => {
    const controller = new AbortController();
    if (aborted) controller.abort();
    operations.set(id, { controller, credit: 0, pulling: false, left: false });
    try {
      finish(id, {
        kind: 'result',
        id,
        value: await target.call(data, controller.signal),
      });
    } catch (error) {
      finish(id, { kind: 'failed', id, failure: toFailure(error) });
    }
  };

  const open = (id: number, data: Call, aborted: boolean, hasInput: boolean): void => {
    const controller = new AbortController();
    if (aborted) controller.abort();
    const input = hasInput ? new RemoteInput((kind) => send({ kind, id })) : undefined;
    const state = { controller, credit: 0, pulling: false, left: false };
    try {
      const source = target.open(data, controller.signal, input)[Symbol.asyncIterator]();
      operations.set(id, {
        ...state,
        source,
        ...(input === undefined ? {} : { input }),
      });
    } catch (error) {
      finish(id, { kind: 'failed', id, failure: toFailure(error) });
    }
  };

  const pull = async (id: number, operation: Operation): Promise<void> => {
    if (operation.pulling || operation.source === undefined) return;
    operation.pulling = true;
    try {
      while (operation.credit > 0 && !operation.left) {
        const item = await operation.source.next();
        operation.credit--;
        if (item.done === true) {
          finish(id, { kind: 'end', id });
          return;
        }
        if (!operation.left) send({ kind: 'item', id, value: compact(item.value) });
      }
    } catch (error) {
      if (!operation.left) finish(id, { kind: 'failed', id, failure: toFailure(error) });
    } finally {
      operation.pulling = false;
    }
  };

  const leave = async (id: number, operation: Operation): Promise<void> => {
    operation.left = true;
    // A generator that is waiting for something handles `return` only afterwards: the abort ends its waiting.
    if (operation.pulling) operation.controller.abort();
    try {
      await operation.source?.return?.();
      finish(id, { kind: 'end', id });
    } catch (error) {
      finish(id, { kind: 'failed', id, failure: toFailure(error) });
    }
  };

  const receive = (message: ClientMessage<Call>): void => {
    const operation = operations.get(message.id);
    switch (message.kind) {
      case 'call':
        void call(message.id, message.call, message.aborted);
        return;
      case 'open':
        open(message.id, message.call, message.aborted, message.input);
        return;
      case 'next':
        if (operation === undefined) return;
        operation.credit++;
        void pull(message.id, operation);
        return;
      case 'return':
        // It ended while the message was on its way: the client has its answer already.
        if (operation !== undefined && !operation.left) void leave(message.id, operation);
        return;
      case 'abort':
        operation?.controller.abort();
        return;
      case 'input-item':
        operation?.input?.push({ value: message.value });
        return;
      case 'input-end':
        operation?.input?.push('end');
        return;
      case 'input-failed':
        operation?.input?.push({ error: fromFailure(message.failure) });
        return;
      default:
        message satisfies never;
    }
  };

  let dead = false;
  const die = (): void => {
    if (dead) return;
    dead = true;
    const gone = new GoferError('UNAVAILABLE', 'the other end of the port has closed');
    // Nobody is left to hear how the clean-up goes.
    for (const operation of operations.values()) {
      operation.left = true;
      operation.controller.abort();
      operation.input?.push({ error: gone });
      operation.source?.return?.().catch(() => undefined);
    }
    operations.clear();
    target.lost().catch(() => undefined);
  };
  port.on('close', die);
  port.on('messageerror', () => port.close());
  port.on('message', (message) => receive(message as ClientMessage<Call>));
  send({ kind: 'ready', facts: target.facts });
}

/** The client's input stream as the plugin reads it: one item is on its way at a time. */
class RemoteInput implements AsyncIterableIterator<unknown> {
  #ask: (kind: 'input-next' | 'input-return') => void;
  #waiting: {
    resolve(result: IteratorResult<unknown>): void;
    reject(error: unknown): void;
  }[] = [];
  #over: 'no' | 'end' | { readonly error: unknown } = 'no';

  constructor(ask: (kind: 'input-next' | 'input-return') => void) {
    this.#ask = ask;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#over === 'end') return Promise.resolve({ done: true, value: undefined });
    if (this.#over !== 'no') return Promise.reject(this.#over.error);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#ask('input-next');
    });
  }

  return(): Promise<IteratorResult<unknown>> {
    if (this.#over === 'no') this.#ask('input-return');
    this.push('end');
    return Promise.resolve({ done: true, value: undefined });
  }

  push(event: { readonly value: unknown } | { readonly error: unknown } | 'end'): void {
    if (event !== 'end' && 'value' in event) {
      this.#waiting.shift()?.resolve({ done: false, value: event.value });
      return;
    }
    if (this.#over !== 'no') return;
    this.#over = event;
    for (const waiting of this.#waiting.splice(0)) {
      if (event === 'end') waiting.resolve({ done: true, value: undefined });
      else waiting.reject(event.error);
    }
  }
}
