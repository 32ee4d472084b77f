/** A scheduler of which every result is checked to be plain data, and every chunk to be well-formed. */
import type { PluginInstance } from '../plugin.ts';
import type { LogChunk, Scheduler } from '../scheduler.ts';
import { assert, assertData } from './assertions.ts';

const LONGEST_CURSOR = 256;

export function checkedScheduler(scheduler: Scheduler & PluginInstance): Scheduler & PluginInstance {
  return {
    capabilities: scheduler.capabilities,
    start: (spec, signal) => checkedStream(() => scheduler.start(spec, signal), 'an update of start'),
    wait: (handle, signal) => checked(scheduler.wait(handle, signal), 'the result of wait'),
    stop: (handle, graceMs) => checked(scheduler.stop(handle, graceMs), 'the result of stop'),
    remove: (handle) => checked(scheduler.remove(handle), 'the result of remove'),
    inspect: (handle) => checked(scheduler.inspect(handle), 'the result of inspect'),
    logs: (handle, request, signal) => checkedStream(() => scheduler.logs(handle, request, signal), 'a chunk of logs', checkChunk),
    exec: (handle, request, signal, input) => checkedStream(() => scheduler.exec(handle, request, signal, input), 'an item of exec'),
    list: (labels) => checked(scheduler.list(labels), 'the result of list'),
    hostAccess: () => checked(scheduler.hostAccess(), 'the result of hostAccess'),
    health: () => checked(scheduler.health(), 'the result of health'),
    close: () => checked(scheduler.close(), 'the result of close'),
  };
}

async function checked<Result>(promise: Promise<Result>, what: string): Promise<Result> {
  const result = await promise;
  assertData(result, what);
  return result;
}

async function* checkedStream<Item>(open: () => AsyncIterable<Item>, what: string, check?: (item: Item) => void): AsyncGenerator<Item> {
  for await (const item of open()) {
    // A large chunk is not cloned for the check: a typed array clones to itself.
    assertData(typeof item === 'object' && item !== null && 'bytes' in item ? { ...item, bytes: null } : item, what);
    check?.(item);
    yield item;
  }
}

function checkChunk(chunk: LogChunk): void {
  assert(chunk.bytes instanceof Uint8Array && chunk.bytes.byteLength > 0, 'a chunk must hold one byte or more');
  assert(
    typeof chunk.cursor === 'string' && chunk.cursor.length <= LONGEST_CURSOR,
    `a cursor must be a string of at most ${LONGEST_CURSOR} characters`,
  );
  assert(
    chunk.stream === 'stdout' || chunk.stream === 'stderr',
    `a chunk's stream must be stdout or stderr, not ${chunk.stream as string}`,
  );
}
