import { GoferCommand } from '../../gofer-command.ts';
import { renderTokens } from '../../output/token-views.ts';

export class TokenList extends GoferCommand {
  static override paths = [
    ['token', 'list'],
    ['service', 'token', 'list'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'List tokens, without their secrets',
    examples: [
      ['All of them', '$0 token list'],
      ['With exact times', '$0 token list --detail'],
    ],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { tokens } = await client.call('list_tokens', {});
    await this.show(tokens, (presentation) => renderTokens(tokens, presentation));
  }
}
