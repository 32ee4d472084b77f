import { toFailure } from '@gofer/contracts';
import { LogKeeper } from './log-keeper.ts';
import type { LogAnswer, LogAnswerMessage, LogCallMessage, LogThreadTask } from './protocol.ts';

/** The thread's side of the lane: answers what comes through the port until it closes. Answers of one tick travel together. */
export function serveLogs({ directory, port }: LogThreadTask): Promise<void> {
  const keeper = new LogKeeper(directory);
  let answers: LogAnswerMessage[number][] = [];
  let memory: ArrayBuffer[] = [];
  let flushing = false;

  const flush = (): void => {
    flushing = false;
    port.postMessage(answers satisfies LogAnswerMessage, memory);
    answers = [];
    memory = [];
  };
  const send = (message: LogAnswerMessage[number]): void => {
    answers.push(message);
    if (flushing) return;
    flushing = true;
    setImmediate(flush);
  };
  const succeed = (id: number, answer: LogAnswer): void => {
    memory.push(...memoryOf(answer));
    send({ id, answer });
  };
  const fail = (id: number, error: unknown): void => send({ id, failure: toFailure(error) });

  const { promise, resolve } = Promise.withResolvers<void>();
  port.on('message', (message: LogCallMessage) => {
    for (const { id, call } of message) {
      try {
        const answer = keeper.handle(call);
        if (answer instanceof Promise) answer.then(succeed.bind(undefined, id), fail.bind(undefined, id));
        else succeed(id, answer);
      } catch (error) {
        fail(id, error);
      }
    }
  });
  port.on('close', () => {
    keeper.close();
    resolve();
  });
  return promise;
}

/** The memory of a batch, which is its own (see `renderBatch`) and can be handed over. */
function memoryOf(answer: LogAnswer): ArrayBuffer[] {
  if (answer === null || typeof answer !== 'object' || !('format' in answer)) return [];
  const buffer = answer.format === 'json' ? answer.json.buffer : answer.text.buffer;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}
