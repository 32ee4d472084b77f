import { Option } from 'clipanion';
import { followExtensionLog } from '../../follow/follow-log.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { toSafeJson, toSafeLogLine } from '../../output/sanitise.ts';

export class ExtensionLogs extends GoferCommand {
  static override paths = [['extension', 'logs']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: "Show an extension's log since its latest start, and what it writes, until Ctrl-C",
    details: `
      Where it is started again the log goes on with that start, and where the connection is lost it goes on where it was. What is older than the server keeps of it (extensions.max_log_size) is missing, and a line says how much that is. A file or a pipe gets the lines as the extension wrote them; on a terminal control sequences other than colours are left out.

      JSON is one object a line: {"extension_id", "text"}.
    `,
    examples: [
      ['What is there now', '$0 extension logs cron --no-follow'],
      ['Its last ten lines', '$0 extension logs cron --no-follow --tail 10'],
    ],
  });

  id = Option.String({ name: 'extension' });
  follow = Option.Boolean('-f,--follow', true, { description: 'Wait for what is still to come (the default; --no-follow does not)' });
  tail = Option.String('--tail', { description: 'Begin with the last so many lines' });

  async execute(): Promise<void> {
    const tail = this.tail === undefined ? undefined : readCount(this.tail, '--tail', { minimum: 0 });
    const client = await this.client();
    const { outputFormat } = await this.settings();
    const stop = new AbortController();
    const onLost = () => void this.context.stderr.write(`${this.context.errorColours.yellow('!')} the connection was lost; reconnecting\n`);
    const remove = this.context.onSignal('SIGINT', () => stop.abort());
    try {
      for await (const { lines } of followExtensionLog(client, this.id, { follow: this.follow, tail, onLost }, stop.signal)) {
        if (outputFormat !== 'silent') await this.write(lines.map(({ text }) => this.#render(text, outputFormat)).join(''));
      }
    } finally {
      remove();
    }
  }

  #render(text: string, format: 'json' | 'plain'): string {
    if (format === 'json') return `${toSafeJson({ extension_id: this.id, text })}\n`;
    const { stdout, colours } = this.context;
    return `${stdout.isTTY === true ? toSafeLogLine(text, { colours: colours.isColorSupported }) : text}\n`;
  }
}
