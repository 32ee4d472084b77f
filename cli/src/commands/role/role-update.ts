import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { PERMISSION_DETAILS, permissionOption, readRoleOptions, roleFileOption } from '../../identity/role-options.ts';
import { renderPermissions } from '../../output/role-views.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class RoleUpdate extends GoferCommand {
  static override paths = [['role', 'update']];
  static override usage = GoferCommand.Usage({
    category: 'Roles',
    description: "Change a role's description, or replace its permissions",
    details: `
      What is given as permissions replaces all of them, and counts from the next request of every token that has the role.
${PERMISSION_DETAILS}`,
    examples: [
      ['Another description', '$0 role update devops --description "Everything of the first team"'],
      ['Other permissions', '$0 role update devops -p "namespaces:^devops-.*,pipelines,runs=read,write" -p "task_executions=read"'],
    ],
  });

  id = Option.String({ name: 'role' });
  description = Option.String('-d,--description', { description: 'The new description' });
  permission = permissionOption('What it allows from now on');
  file = roleFileOption();

  async execute(): Promise<void> {
    const given = await readRoleOptions(this.context, { typed: this.permission, file: this.file });
    const description = this.description ?? given?.description;
    if (description === undefined && given === undefined) {
      throw new GoferError(
        'INVALID_ARGUMENT',
        `nothing to change: give --description, --permission or --file, as in gofer role update ${this.id} -d "What it is for"`,
      );
    }
    const client = await this.client();
    const change = {
      ...(description === undefined ? {} : { description }),
      ...(given === undefined ? {} : { permissions: given.permissions }),
    };
    const { role } = await client.call('update_role', { path: { role_id: this.id }, body: change });
    await this.show(role, ({ colours }) => {
      return `${colours.green('✓')} Updated role ${toSafeLine(role.id)}\n\n${renderPermissions(role.permissions, colours)}`;
    });
  }
}
