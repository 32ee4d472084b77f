import { GoferCommand } from '../../gofer-command.ts';
import { renderToken } from '../../output/token-views.ts';

export class TokenWhoami extends GoferCommand {
  static override paths = [
    ['token', 'whoami'],
    ['service', 'token', 'whoami'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Show whose token commands use here, and its roles',
    examples: [['Who am I?', '$0 token whoami']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { token } = await client.call('whoami', {});
    await this.show(token, (presentation) => renderToken(token, presentation));
  }
}
