/** One more command inside a fake task. */
import type { ExecInput, ExecOutput } from '@gofer/contracts';
import { fetchBody } from './fake-fetch.ts';
import { FakeOutput } from './fake-output.ts';
import type { FakeStep } from './fake-script.ts';
import type { FakeTask } from './fake-task.ts';
import { cancelled, environmentText, fromBase64, pause } from './fake-task.ts';

const KILLED = 128 + 9;

/** Runs the steps, which yield data as they go, then the exit. With `tty` all output is standard output. */
export async function* runExec(
  task: FakeTask,
  steps: readonly FakeStep[],
  tty: boolean,
  signal: AbortSignal,
  input: AsyncIterable<ExecInput> | undefined,
): AsyncGenerator<ExecOutput> {
  // Ends when the caller gives up or the task ends, whichever is first.
  const over = new AbortController();
  const end = (): void => over.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  void task.ended(over.signal).then(end);
  try {
    for (const step of steps) {
      if (over.signal.aborted) break;
      if ('exit' in step) {
        yield { kind: 'exit', exitCode: step.exit };
        return;
      }
      if ('sleep_ms' in step) await pause(step.sleep_ms, over.signal);
      else if ('echo' in step) yield* echo(input);
      else if ('get' in step) {
        const bytes = await fetchBody(step.get, over.signal);
        if (over.signal.aborted) break;
        yield bytes === undefined ? { kind: 'exit', exitCode: 1 } : { kind: 'data', stream: 'stdout', bytes };
        if (bytes === undefined) return;
      } else yield* shown(rendered(task, step), tty, over.signal);
    }
    if (!over.signal.aborted) {
      yield { kind: 'exit', exitCode: 0 };
      return;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
    // Cut short; which of the two it was is said below.
  } finally {
    signal.removeEventListener('abort', end);
    over.abort();
  }
  if (signal.aborted) throw cancelled();
  yield { kind: 'exit', exitCode: KILLED };
}

async function* echo(input: AsyncIterable<ExecInput> | undefined): AsyncGenerator<ExecOutput> {
  for await (const item of input ?? []) if (item.kind === 'data') yield { kind: 'data', stream: 'stdout', bytes: item.bytes };
}

function rendered(task: FakeTask, step: FakeStep): FakeOutput {
  const output = new FakeOutput();
  const stream = 'stream' in step ? (step.stream ?? 'stdout') : 'stdout';
  if ('print' in step) output.print(stream, new TextEncoder().encode(step.print));
  else if ('print_base64' in step) output.print(stream, fromBase64(step.print_base64));
  else if ('lines' in step) output.lines(stream, 1, step.lines);
  else if ('fill' in step) output.fill(stream, step.fill);
  else if ('environment' in step) output.print(stream, new TextEncoder().encode(environmentText(task.spec)));
  output.end();
  return output;
}

async function* shown(output: FakeOutput, tty: boolean, signal: AbortSignal): AsyncGenerator<ExecOutput> {
  let offset = 0;
  while (!signal.aborted) {
    const chunk = output.read(offset);
    if (typeof chunk === 'string') return;
    yield { kind: 'data', stream: tty ? 'stdout' : chunk.stream, bytes: chunk.bytes };
    offset += chunk.bytes.byteLength;
  }
}
