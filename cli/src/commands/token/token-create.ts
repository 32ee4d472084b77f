import { GoferError } from '@gofer/contracts';
import type { AnswerOf } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import type { GoferClient } from '../../api/gofer-client.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { NEW_TOKEN_DETAILS, NewTokenCommand } from '../../identity/new-token-command.ts';
import { parseLength } from '../../input/parse-length.ts';
import { readVariables } from '../../read-variables.ts';

/** What the wire can say. */
const LONGEST_LIFE = 4_294_967_295;

export class TokenCreate extends NewTokenCommand {
  static override paths = [
    ['token', 'create'],
    ['service', 'token', 'create'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Create a token for a person or a program',
    details: `It may do what its roles allow; without any it may ask who it is, and nothing else. It cannot outlive the token that creates it.\n\n${NEW_TOKEN_DETAILS}`,
    examples: [
      ['For a person', '$0 token create ada --roles user'],
      ['For a program, for ninety days', '$0 token create ci -r user --expiry 90d --metadata team=platform'],
    ],
  });

  user = Option.String({ name: 'user' });
  roles = Option.Array('-r,--roles', [], {
    description: 'The id of a role that it has; several with commas between them, or by several flags',
  });
  expiry = Option.String('-e,--expiry', '0', {
    description: 'When it stops being accepted, from now: 90d, 12h, 1h30m, or seconds (default 0: never)',
  });
  metadata = Option.Array('-m,--metadata', [], { description: 'Something to remember with it, KEY=VALUE; may be given several times' });

  protected override make(client: GoferClient): Promise<AnswerOf<'create_token'>> {
    const metadata = readVariables(this.metadata, '--metadata');
    // No id of a role has a comma or a blank.
    const roles = [...new Set(this.roles.flatMap((ids) => ids.split(',').map((id) => id.trim())))];
    return client.call('create_token', { body: { user: this.user, roles, expires: readExpiry(this.expiry), metadata } });
  }
}

function readExpiry(text: string): number {
  const seconds = parseLength(text);
  if (seconds === 0 && text !== '0')
    throw new GoferError('INVALID_ARGUMENT', `--expiry ${text} is no time from now: a token that never expires is asked for by 0`);
  if (seconds !== undefined && Number.isInteger(seconds) && seconds <= LONGEST_LIFE) return seconds;
  throw new GoferError(
    'INVALID_ARGUMENT',
    `--expiry is a time from now in whole seconds, such as 90d, 12h or 3600, of 136 years at most, or 0 for never; not "${text}"`,
  );
}
