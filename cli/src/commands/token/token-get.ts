import { GoferCommand } from '../../gofer-command.ts';
import { readTokenId, tokenIdOption } from '../../identity/token-id.ts';
import { renderToken } from '../../output/token-views.ts';

export class TokenGet extends GoferCommand {
  static override paths = [
    ['token', 'get'],
    ['service', 'token', 'get'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Show a token, without its secret',
    examples: [['By its id, as token list shows it', '$0 token get 019a3c1e-8f00-7000-8000-000000000000']],
  });

  id = tokenIdOption();

  async execute(): Promise<void> {
    const id = readTokenId(this.id);
    const client = await this.client();
    const { token } = await client.call('get_token_by_id', { path: { id } });
    await this.show(token, (presentation) => renderToken(token, presentation));
  }
}
