import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class RoleDelete extends GoferCommand {
  static override paths = [['role', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Roles',
    description: 'Delete a role',
    details: 'Tokens that have it stay, and may no longer do what it allowed.',
    examples: [['One that nobody needs any more', '$0 role delete devops']],
  });

  id = Option.String({ name: 'role' });

  async execute(): Promise<void> {
    const client = await this.client();
    await client.call('delete_role', { path: { role_id: this.id } });
    await this.showDone({ id: this.id, deleted: true }, `Deleted role ${this.id}`);
  }
}
