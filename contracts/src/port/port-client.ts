/** The caller's end of a port: one promise or iterator for each operation. The port's death rejects what is pending with `UNAVAILABLE`. */
import { fromFailure, GoferError } from '../errors.ts';
import type { ClientMessage, PortLike, ServerMessage } from './protocol.ts';
import { RemoteStream } from './remote-stream.ts';

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

  /** Announces an operation under a number of its own, and passes on its signal until `done`. */
  const begin = (
    operation: Operation,
    message: (id: number) => ClientMessage<Call>,
    signal: AbortSignal | undefined,
  ): { readonly id: number; readonly done: () => void } => {
    const id = ++lastId;
    send(message(id));
    const abort = (): void => {
      if (dead === undefined) send({ kind: 'abort', id });
    };
    signal?.addEventListener('abort', abort, { once: true });
    operations.set(id, operation);
    const done = (): void => {
      signal?.removeEventListener('abort', abort);
      operations.delete(id);
    };
    return { id, done };
  };

  const call = async (data: Call, signal?: AbortSignal): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>();
    const operation: Operation = {
      receive(message) {
        if (message.kind === 'result') answer.resolve(message.value);
        else if (message.kind === 'failed') answer.reject(fromFailure(message.failure));
        else answer.reject(new GoferError('INTERNAL', `the plugin answered a call with "${message.kind}"`));
      },
      fail: (error) => answer.reject(error),
    };
    const { done } = begin(operation, (id) => ({ kind: 'call', id, call: data, aborted: signal?.aborted ?? false }), signal);
    try {
      return await answer.promise;
    } finally {
      done();
    }
  };

  const openStream = (data: Call, window: number, signal: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterator<unknown> => {
    let begun: { readonly id: number; readonly done: () => void } | undefined;
    const remote: RemoteStream = new RemoteStream(
      {
        open(hasInput) {
          begun = begin(remote, (id) => ({ kind: 'open', id, call: data, aborted: signal.aborted, input: hasInput }), signal);
        },
        send(request) {
          if (begun !== undefined) send({ ...request, id: begun.id });
        },
        done: () => begun?.done(),
      },
      window,
      input,
    );
    return remote;
  };
  const stream: PortClient<Call>['stream'] = (...args) => ({ [Symbol.asyncIterator]: () => openStream(...args) });

  port.on('close', die);
  port.on('messageerror', () => port.close());
  port.on('message', (data) => {
    const message = data as ServerMessage;
    if (message.kind === 'ready') ready({ facts: message.facts, call, stream, close: () => port.close() });
    else operations.get(message.id)?.receive(message);
  });
  return connected;
}
