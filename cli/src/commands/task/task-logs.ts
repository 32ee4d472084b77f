import { ERROR_TABLE, GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import type { LogQuery, TaskPath } from '../../follow/follow-log.ts';
import { describeEnd, proveLog } from '../../follow/log-completeness.ts';
import { showTaskLog } from '../../follow/show-task-log.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { parseMoment } from '../../input/parse-moment.ts';

export class TaskLogs extends GoferCommand {
  static override paths = [
    ['task', 'logs'],
    ['taskexecution', 'logs'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: "Show a task's log, and what is still being written, until the task ends",
    details: `
      Into a file or a pipe the lines go as the task wrote them; on a terminal control sequences other than colours are left out. --raw writes what is there now, byte for byte, and ends.

      At the end one line on standard error says whether the log is complete, or what is missing and why. --verify downloads every byte instead, and compares count and hash with the log's seal: exit code 74 where they differ or the log is not complete.

      --tail, --since, --lines, --stream and --grep select lines, on the server; several of them together select the lines that all of them do.

      JSON is one object a line: {"task_id", "line", "stream", "time", "text"}, and on standard error {"task_id", "log"}.
    `,
    examples: [
      ['Follow it to its end', '$0 task logs simple 1 hello'],
      ['The last 100 lines, with their times', '$0 task logs simple 1 hello --tail 100 --timestamps'],
      ['The lines in which something stands', '$0 task logs simple 1 hello --grep "hel+o"'],
      ['Whether every byte is there', '$0 task logs simple 1 hello --verify'],
      ['Every byte, into a file', '$0 task logs simple 1 hello --raw'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });
  follow = Option.Boolean('-f,--follow', true, { description: 'Wait for the end of the log (the default; --no-follow does not)' });
  raw = Option.Boolean('--raw', false, { description: 'The bytes that are there now, unchanged' });

  attempt = Option.String('--attempt', { description: 'The log of that attempt, from 1, instead of the latest' });
  tail = Option.String('--tail', { description: 'The last so many lines, and what follows them' });
  since = Option.String('--since', { description: 'Lines that came since a time, or so long ago: 10m' });
  lines = Option.String('--lines', { description: 'Lines by their numbers from 1, both ends included: 10-20, 10- or 10' });
  stream = Option.String('--stream', { description: 'Lines of stdout, of stderr, or of gofer itself' });
  grep = Option.String('--grep', { description: 'Lines in which a regular expression (RE2) is found' });
  timestamps = Option.Boolean('--timestamps', false, { description: 'Each line behind the time that it came' });
  verify = Option.Boolean('--verify', false, { description: 'Compare every byte with the seal, and show nothing else' });

  async execute(): Promise<number> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task };
    const attempt = this.attempt === undefined ? undefined : readCount(this.attempt, '--attempt', { minimum: 1 });
    const query = { ...this.#selection(), ...(attempt === undefined ? {} : { attempt }) };
    if ((this.raw || this.verify) && Object.keys(this.#selection()).length > 0)
      throw new GoferError('INVALID_ARGUMENT', '--raw and --verify are about all bytes: no lines can be selected with them');
    if ((this.raw || this.verify) && this.timestamps)
      throw new GoferError('INVALID_ARGUMENT', '--raw and --verify are about the bytes alone: there are no --timestamps with them');
    if (this.verify) return await this.#verify(path, attempt);
    if (!this.raw) return await showTaskLog(this.context, path, { follow: this.follow, query, timestamps: this.timestamps });
    const chosen = attempt === undefined ? {} : { query: { attempt } };
    for await (const bytes of await client.bytes('get_logs_raw', { path, ...chosen })) await this.write(bytes);
    return 0;
  }

  #selection(): LogQuery {
    return {
      ...(this.tail === undefined ? {} : { tail: readCount(this.tail, '--tail', { minimum: 1 }) }),
      ...(this.since === undefined ? {} : { since: parseMoment(this.since, '--since', this.context.now()) }),
      ...(this.lines === undefined ? {} : { lines: this.lines }),
      ...(this.stream === undefined ? {} : { stream: this.stream }),
      ...(this.grep === undefined ? {} : { grep: this.grep }),
    };
  }

  async #verify(path: TaskPath, attempt: number | undefined): Promise<number> {
    const proof = await proveLog(await this.client(), path, attempt);
    const { lines, bytes, sha256, problems } = proof;
    await this.show(proof, ({ colours }) =>
      problems.length === 0
        ? `${colours.green('✓')} ${describeEnd({ attempt: 1, lines, bytes, seal: { lines, bytes, sha256, complete: true } })}, as it was sealed\n`
        : problems.map((problem) => `${colours.red('x')} ${problem}\n`).join(''),
    );
    return problems.length === 0 ? 0 : ERROR_TABLE.DATA_LOSS.exit;
  }
}
