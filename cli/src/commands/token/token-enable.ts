import { GoferCommand } from '../../gofer-command.ts';
import { readTokenId, tokenIdOption } from '../../identity/token-id.ts';

export class TokenEnable extends GoferCommand {
  static override paths = [
    ['token', 'enable'],
    ['service', 'token', 'enable'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Accept a token again',
    examples: [['Once it may be used again', '$0 token enable 019a3c1e-8f00-7000-8000-000000000000']],
  });

  id = tokenIdOption();

  async execute(): Promise<void> {
    const id = readTokenId(this.id);
    const client = await this.client();
    await client.call('update_token', { path: { id }, body: { disabled: false } });
    await this.showDone({ id, disabled: false }, `Enabled token ${id}`);
  }
}
