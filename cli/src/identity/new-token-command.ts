import { GoferError } from '@gofer/contracts';
import type { AnswerOf } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { GoferCommand } from '../gofer-command.ts';
import { toSafeLine } from '../output/sanitise.ts';
import { formatTime } from '../output/times.ts';
import { describeRoles } from '../output/token-views.ts';

export const NEW_TOKEN_DETAILS =
  'The token is shown this once, as the last line of the output, alone; the server keeps no more than its hash. JSON has it as "secret".';

/** Makes a token and shows it. */
export abstract class NewTokenCommand extends GoferCommand {
  protected abstract make(client: GoferClient): Promise<AnswerOf<'create_token'>>;

  async execute(): Promise<void> {
    const { outputFormat } = await this.context.settings();
    // It would be there, and nobody would ever know it.
    if (outputFormat === 'silent')
      throw new GoferError('INVALID_ARGUMENT', 'a new token is shown once, and --output-format silent shows nothing: use plain or json');
    const made = await this.make(await this.client());
    const { token_details: token, secret } = made;
    await this.show(made, ({ colours, now }) => {
      const about = `roles: ${describeRoles(token)}; expires: ${formatTime(token.expires, { now, exact: true })}`;
      return `${colours.green('✓')} Created token ${toSafeLine(`${token.id} for ${token.user} (${about})`)}\n${toSafeLine(secret)}\n`;
    });
    await this.note('  The token is shown this once: keep it where nobody else can read it. Use it here with: gofer login');
    if (token.roles.length === 0)
      await this.note('  It has no roles, so that it may ask who it is, and nothing else: give some with --roles');
  }
}
