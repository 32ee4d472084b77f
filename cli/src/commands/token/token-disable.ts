import { GoferCommand } from '../../gofer-command.ts';
import { readTokenId, tokenIdOption } from '../../identity/token-id.ts';

export class TokenDisable extends GoferCommand {
  static override paths = [
    ['token', 'disable'],
    ['service', 'token', 'disable'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Stop accepting a token',
    details: 'It counts from the next request on, and ends the sessions of browsers that came from it. Your own token cannot be disabled.',
    examples: [['Until further notice', '$0 token disable 019a3c1e-8f00-7000-8000-000000000000']],
  });

  id = tokenIdOption();

  async execute(): Promise<void> {
    const id = readTokenId(this.id);
    const client = await this.client();
    await client.call('update_token', { path: { id }, body: { disabled: true } });
    await this.showDone({ id, disabled: true }, `Disabled token ${id}`);
  }
}
