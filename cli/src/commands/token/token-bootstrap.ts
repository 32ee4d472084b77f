import type { AnswerOf } from '@gofer/contracts/api';
import type { GoferClient } from '../../api/gofer-client.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { NEW_TOKEN_DETAILS, NewTokenCommand } from '../../identity/new-token-command.ts';

export class TokenBootstrap extends NewTokenCommand {
  static override paths = [
    ['token', 'bootstrap'],
    ['service', 'token', 'bootstrap'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Create the first token of a new server, which may do everything',
    details: `It works once for each database, for whoever asks first. Use it to create tokens that may do less, and store it somewhere safe.\n\n${NEW_TOKEN_DETAILS}`,
    examples: [['On a new server', '$0 token bootstrap']],
  });

  protected override make(client: GoferClient): Promise<AnswerOf<'create_bootstrap_token'>> {
    return client.call('create_bootstrap_token', {});
  }
}
