import { GoferCommand } from '../../gofer-command.ts';
import { renderRoles } from '../../output/role-views.ts';

export class RoleList extends GoferCommand {
  static override paths = [['role', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Roles',
    description: 'List roles',
    details: 'System roles come with the server and cannot be changed or deleted.',
    examples: [['All of them', '$0 role list']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { roles } = await client.call('list_roles', {});
    await this.show(roles, (presentation) => renderRoles(roles, presentation));
  }
}
