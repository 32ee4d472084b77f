/** Runs one more command inside a running task. */
import { type ExecInput, type ExecOutput, type ExecRequest, GoferError } from '@gofer/contracts';
import type { ExecReply, ReadReply } from './protocol.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { ConnectionLost, cancelled, type SupervisorConnection } from './supervisor-connection.ts';

/** Input crosses in pieces of this size. */
const INPUT_BYTES = 256 * 1024;

export async function* runExec(
  client: SupervisorClient,
  attempt: string,
  request: ExecRequest,
  signal: AbortSignal,
  input: AsyncIterable<ExecInput> | undefined,
): AsyncGenerator<ExecOutput> {
  if (request.command.length === 0) throw new GoferError('INVALID_ARGUMENT', 'exec needs a command');
  if (signal.aborted) throw cancelled();
  const connection = await client.connected();
  let exec: number | undefined;
  const ending = new AbortController();
  try {
    const start = connection.send<ExecReply>({
      op: 'exec',
      attempt,
      argv: request.command,
      input: input !== undefined,
      tty: request.tty,
    });
    exec = start.id;
    await start.answer;
    const fed = input === undefined ? undefined : feed(connection, exec, input, ending.signal);
    // Its failure is met in the race below, unless the command ends first.
    fed?.catch(() => {});
    for (;;) {
      const { reply, payload } = await Promise.race([connection.request<ReadReply>({ op: 'exec-read', exec }, signal), failureOf(fed)]);
      let offset = 0;
      for (const { stream, length } of reply.pieces) {
        yield {
          kind: 'data',
          stream,
          bytes: payload.subarray(offset, offset + length),
        };
        offset += length;
      }
      if (reply.end) {
        yield { kind: 'exit', exitCode: reply.exitCode ?? 0 };
        return;
      }
    }
  } catch (error) {
    if (error instanceof ConnectionLost)
      throw new GoferError('UNAVAILABLE', 'the process supervisor went away while the command ran', { cause: error });
    throw error;
  } finally {
    ending.abort();
    if (exec !== undefined) connection.notify({ op: 'exec-end', exec });
  }
}

/** Rejects when feeding fails, and never resolves. */
async function failureOf(fed: Promise<void> | undefined): Promise<never> {
  await fed;
  return await new Promise<never>(() => {});
}

async function feed(connection: SupervisorConnection, exec: number, input: AsyncIterable<ExecInput>, signal: AbortSignal): Promise<void> {
  for await (const item of input) {
    if (signal.aborted) return;
    if (item.kind === 'resize') {
      const { columns, rows } = item;
      await connection.request({ op: 'exec-resize', exec, columns, rows }, signal);
      continue;
    }
    for (let offset = 0; offset < item.bytes.length; offset += INPUT_BYTES) {
      await connection.request({ op: 'exec-input', exec }, signal, item.bytes.subarray(offset, offset + INPUT_BYTES));
    }
  }
  await connection.request({ op: 'exec-input', exec }, signal);
}
