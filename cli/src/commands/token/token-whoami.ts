import type { Token } from '@gofer/contracts/api';
import { GoferCommand } from '../../gofer-command.ts';
import { isBypassed } from '../../identity/bypassed.ts';
import type { Presentation } from '../../output/presentation.ts';
import { toSafeLine } from '../../output/sanitise.ts';
import { describeRoles, renderToken } from '../../output/token-views.ts';

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
    await this.show(token, (presentation) =>
      isBypassed(token) ? this.#renderBypass(token, presentation) : renderToken(token, presentation),
    );
  }

  #renderBypass(token: Token, { colours }: Presentation): string {
    return (
      `${colours.yellow('!')} Authentication is bypassed: the server looks at no token, and whoever reaches it may do everything\n` +
      `  You count as ${toSafeLine(token.user)} (roles: ${describeRoles(token)}).\n` +
      '  It is so in development mode, and with development.bypass_auth = true.\n'
    );
  }
}
