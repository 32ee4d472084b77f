import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeJson, toSafeText } from '../../output/sanitise.ts';

export class ExtensionDebug extends GoferCommand {
  static override paths = [['extension', 'debug']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Ask an extension for what it tells of its inside',
    details: 'What it answers is shown as JSON where it is that, else as text; in JSON it is {"extension_id", "info"}.',
    examples: [['What cron waits for', '$0 extension debug cron']],
  });

  id = Option.String({ name: 'extension' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { info: text } = await client.call('get_extension_debug_info', { path: { extension_id: this.id } });
    const info = parseInfo(text);
    await this.show({ extension_id: this.id, info }, () => {
      const shown = typeof info === 'string' ? toSafeText(info) : toSafeJson(info, 2);
      return shown.endsWith('\n') ? shown : `${shown}\n`;
    });
  }
}

/** As it is where it is not JSON. */
function parseInfo(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
