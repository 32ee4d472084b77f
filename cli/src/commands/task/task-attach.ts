import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { attachStreams, isTerminal } from '../../attach/attach-terminal.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { untilCancelled } from '../../until-cancelled.ts';

export class TaskAttach extends GoferCommand {
  static override paths = [
    ['task', 'attach'],
    ['taskexecution', 'attach'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'Run a command, or a shell, inside a running task',
    details: `
      On a terminal every key goes to the command. Enter, then ~ and . leaves it (~~ types a ~ there); the command is ended with the connection.

      Without a terminal it is a pipe: standard input goes to the command, its standard output and standard error come out apart, byte for byte.

      The exit code is the command's. The audit keeps who ran which command: no password belongs into one.
    `,
    examples: [
      ['A shell', '$0 task attach simple 1 hello'],
      ['One command', '$0 task attach simple 1 hello -- ls -l /'],
      ['A file, into the task', '$0 task attach simple 1 hello -- tee /tmp/notes.txt < notes.txt'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });
  words = Option.Rest({ name: 'command' });
  cmd = Option.String('-c,--cmd', { description: 'The command as one text, split at its spaces (default /bin/sh)' });
  tty = Option.Boolean('--tty', {
    description: 'Run it on a terminal, or not (--no-tty); by default where input and output are one',
  });

  async execute(): Promise<number> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task };
    const command = this.#command();
    const tty = this.tty ?? isTerminal(this.context);
    const raw = tty && isTerminal(this.context);
    const attach = async (signal: AbortSignal): Promise<number> => {
      const socket = await client.attach(path, { tty, ...(command === undefined ? {} : { command }) }, signal);
      return await attachStreams(socket, this.context, { raw, signal });
    };
    return await untilCancelled(this.context, attach, ['SIGINT', 'SIGTERM', ...(raw ? (['SIGHUP'] as const) : [])]);
  }

  /** Undefined: what the server takes for one. */
  #command(): string[] | undefined {
    if (this.cmd !== undefined && this.words.length > 0)
      throw new GoferError('INVALID_ARGUMENT', 'the command is given twice, by --cmd and behind the task');
    const words = this.cmd?.split(' ').filter((word) => word !== '') ?? this.words;
    return words.length === 0 ? undefined : words;
  }
}
