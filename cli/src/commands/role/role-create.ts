import { GoferError, isGoferError } from '@gofer/contracts';
import type { GivenPermission } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import type { GoferClient } from '../../api/gofer-client.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { askRole } from '../../identity/ask-role.ts';
import { PERMISSION_DETAILS, permissionOption, readRoleOptions, roleFileOption } from '../../identity/role-options.ts';
import { renderPermissions } from '../../output/role-views.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class RoleCreate extends GoferCommand {
  static override paths = [['role', 'create']];
  static override usage = GoferCommand.Usage({
    category: 'Roles',
    description: 'Create a role',
    details: `
      Without --permission and --file it asks, on a terminal.
${PERMISSION_DETAILS}`,
    examples: [
      ['For a team', '$0 role create devops "Namespaces of the first team" -p "namespaces:^devops.*,pipelines:.*=read,write,delete"'],
      ['From a file', '$0 role create devops "Namespaces of the first team" --file devops.json'],
    ],
  });

  id = Option.String({ name: 'role' });
  description = Option.String({ name: 'description', required: false });
  permission = permissionOption('What it allows');
  file = roleFileOption();

  async execute(): Promise<void> {
    const client = await this.client();
    const { description, permissions } = await this.#read(client);
    const { role } = await client.call('create_role', { body: { id: this.id, description, permissions } });
    await this.show(role, ({ colours }) => {
      const id = toSafeLine(role.id);
      const hint = `  Give it to somebody: ${colours.cyan(`gofer token create USER --roles ${id}`)}\n`;
      return `${colours.green('✓')} Created role ${id}\n\n${renderPermissions(role.permissions, colours)}\n${hint}`;
    });
  }

  async #read(client: GoferClient): Promise<{ description: string; permissions: GivenPermission[] }> {
    const given = await readRoleOptions(this.context, { typed: this.permission, file: this.file });
    if (given === undefined && this.context.stdin.isTTY === true) {
      await expectNone(client, this.id);
      return await askRole(this.context, this);
    }
    if (given === undefined)
      throw new GoferError(
        'INVALID_ARGUMENT',
        'a role needs permissions, and there is no terminal to ask for them: give --permission, such as -p "pipelines:^web-.*,runs=read,write", or --file',
      );
    const description = this.description ?? given.description;
    if (description === undefined)
      throw new GoferError('INVALID_ARGUMENT', `a role needs a description: gofer role create ${this.id} "What it is for"`);
    return { description, permissions: given.permissions };
  }
}

/** Nobody is asked for what the server would refuse in the end. */
async function expectNone(client: GoferClient, role_id: string): Promise<void> {
  try {
    await client.call('get_role', { path: { role_id } });
  } catch (error) {
    if (isGoferError(error) && error.code === 'NOT_FOUND') return;
    throw error;
  }
  throw new GoferError('ALREADY_EXISTS', `there is a role ${role_id} already; change it with gofer role update ${role_id}`);
}
