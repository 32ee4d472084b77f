/** The caller's end of a port: one promise or iterator for each operation. The port's death rejects what is pending with `UNAVAILABLE`. */
import { fromFailure, GoferError, toFailure } from '../errors.ts';
import type { ClientMessage, PortLike, ServerMessage } from './protocol.ts';

export interface PortClient<Call> {
  /** What the server said of itself in its first message. */
  readonly facts: unknown;
  call(call: Call, signal?: AbortSignal): Promise<unknown>;
  /** `window`: how many items may be asked for ahead of the reader; 0 asks for an item only when the reader does. */
  stream(call: Call, window: number, signal: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterable<unknown>;
  close(): void;
}

interface Operation {
  receive(message: ServerMessage): void;
  fail(error: GoferError): void;
}

/** Resolves when the server has said that it is ready; rejects with `UNAVAILABLE` when the port closes first. */
export function connectPort<Call>(port: PortLike): Promise<PortClient<Call>> {
  const operations = new Map<number, Operation>();
  let lastId = 0;
  let dead: GoferError | undefined;

  const { promise: connected, resolve: ready, reject: refuse } = Promise.withResolvers<PortClient<Call>>();
  const die = (): void => {
    dead ??= new GoferError('UNAVAILABLE', 'the plugin behind the port is gone; what it was doing is unknown');
    refuse(dead);
    const pending = [...operations.values()];
    operations.clear();
    for (const operation of pending) operation.fail(dead);
  };
  const send = (message: ClientMessage<Call>): void => {
    if (dead !== undefined) throw dead;
    port.postMessage(message);
  };

  const register = (operation: (id: number) => Operation, signal: AbortSignal | undefined): { id: number; done(): void } => {
    const id = ++lastId;
    const abort = (): void => {
      if (operations.has(id) && dead === undefined) send({ kind: 'abort', id });
    };
    signal?.addEventListener('abort', abort, { once: true });
    operations.set(id, operation(id));
    return {
      id,
      done() {
        signal?.removeEventListener('abort', abort);
        operations.delete(id);
      },
    };
  };

  const call = (data: Call, signal?: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { id, done } = register(
        () => ({
          receive(message) {
            done();
            if (message.kind === 'result') resolve(message.value);
            else if (message.kind === 'failed') reject(fromFailure(message.failure));
            else reject(new GoferError('INTERNAL', `the plugin answered a call with "${message.kind}"`));
          },
          fail(error) {
            done();
            reject(error);
          },
        }),
        signal,
      );
      try {
        send({
          kind: 'call',
          id,
          call: data,
          aborted: signal?.aborted ?? false,
        });
      } catch (error) {
        done();
        reject(error);
      }
    });

  const stream = (data: Call, window: number, signal: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterable<unknown> => ({
    [Symbol.asyncIterator]: () => openStream(data, window, signal, input),
  });

  const openStream = (data: Call, window: number, signal: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterator<unknown> => {
    type Result = IteratorResult<unknown>;
    const ended: Result = { done: true, value: undefined };
    const items: unknown[] = [];
    const readers: PromiseWithResolvers<Result>[] = [];
    let asked = 0;
    let state: 'new' | 'open' | 'over' = 'new';
    let failure: GoferError | undefined;
    let left: PromiseWithResolvers<void> | undefined;
    const source = input?.[Symbol.asyncIterator]();

    const over = (error?: GoferError): void => {
      if (state === 'over') return;
      state = 'over';
      done();
      failure = error;
      for (const reader of readers.splice(0)) {
        if (failure === undefined) reader.resolve(ended);
        else reader.reject(failure);
        failure = undefined;
      }
      left?.resolve();
      // The input belongs to the caller, who sees its failure; here it is only left.
      source?.return?.().catch(() => undefined);
    };
    const feed = async (id: number): Promise<void> => {
      if (source === undefined) return;
      let message: ClientMessage<Call>;
      try {
        const item = await source.next();
        message = item.done === true ? { kind: 'input-end', id } : { kind: 'input-item', id, value: item.value };
      } catch (error) {
        message = { kind: 'input-failed', id, failure: toFailure(error) };
      }
      if (state === 'open' && dead === undefined) send(message);
    };
    const { id, done } = register(
      (own) => ({
        receive(message) {
          switch (message.kind) {
            case 'item': {
              asked--;
              const reader = readers.shift();
              if (reader === undefined) items.push(message.value);
              else reader.resolve({ done: false, value: message.value });
              return;
            }
            case 'end':
              over();
              return;
            case 'failed':
              over(left === undefined ? fromFailure(message.failure) : undefined);
              return;
            case 'input-next':
              void feed(own);
              return;
            case 'input-return':
              source?.return?.().catch(() => undefined);
              return;
            case 'result':
            case 'ready':
              over(new GoferError('INTERNAL', `the plugin answered a stream with "${message.kind}"`));
              return;
            default:
              message satisfies never;
          }
        },
        fail: over,
      }),
      signal,
    );
    const ask = (): void => {
      while (state === 'open' && asked + items.length < readers.length + window) {
        asked++;
        send({ kind: 'next', id });
      }
    };

    return {
      async next(): Promise<Result> {
        if (state === 'new') {
          try {
            send({
              kind: 'open',
              id,
              call: data,
              aborted: signal.aborted,
              input: source !== undefined,
            });
          } catch (error) {
            over();
            throw error;
          }
          state = 'open';
        }
        if (items.length > 0) {
          const value = items.shift();
          ask();
          return { done: false, value };
        }
        if (state === 'over') {
          const error = failure;
          failure = undefined;
          if (error !== undefined) throw error;
          return ended;
        }
        const reader = Promise.withResolvers<Result>();
        readers.push(reader);
        ask();
        return reader.promise;
      },
      async return(): Promise<Result> {
        items.length = 0;
        failure = undefined;
        if (state === 'open') {
          if (left === undefined) {
            left = Promise.withResolvers<void>();
            send({ kind: 'return', id });
          }
          await left.promise;
        } else {
          over();
        }
        return ended;
      },
    };
  };

  port.on('close', die);
  port.on('messageerror', () => port.close());
  port.on('message', (data) => {
    const message = data as ServerMessage;
    if (message.kind === 'ready') ready({ facts: message.facts, call, stream, close: () => port.close() });
    else operations.get(message.id)?.receive(message);
  });
  return connected;
}
