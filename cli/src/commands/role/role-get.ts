import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderRole } from '../../output/role-views.ts';

export class RoleGet extends GoferCommand {
  static override paths = [['role', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Roles',
    description: 'Show a role and what it allows',
    examples: [
      ['One that comes with the server', '$0 role get user'],
      ['As a file to begin another one with', '$0 role get user --output-format json'],
    ],
  });

  id = Option.String({ name: 'role' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { role } = await client.call('get_role', { path: { role_id: this.id } });
    await this.show(role, (presentation) => renderRole(role, presentation));
  }
}
