import { Option } from 'clipanion';
import { showTaskLog } from '../../follow/show-task-log.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';

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

      JSON is one object a line: {"task_id", "stream", "time", "text"}.
    `,
    examples: [
      ['Follow it to its end', '$0 task logs simple 1 hello'],
      ['Every byte, into a file', '$0 task logs simple 1 hello --raw'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });
  follow = Option.Boolean('-f,--follow', true, { description: 'Wait for the end of the log (the default; --no-follow does not)' });
  raw = Option.Boolean('--raw', false, { description: 'The bytes that are there now, unchanged' });

  async execute(): Promise<number> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task };
    if (!this.raw) return await showTaskLog(this.context, path, { follow: this.follow });
    for await (const bytes of await client.bytes('get_logs_raw', { path })) await this.write(bytes);
    return 0;
  }
}
