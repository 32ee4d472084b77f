import { GoferError } from '@gofer/contracts';
import type { GivenPermission } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import type { GoferContext } from '../gofer-context.ts';
import { parsePermissions } from './permission-words.ts';
import { readRoleFile } from './read-role-file.ts';

export const PERMISSION_DETAILS = `
      A permission is RESOURCE[:TARGET][,RESOURCE…]=ACTION[,ACTION…], where an action is read, write or delete:

          -p "namespaces:^devops.*,pipelines:.*=read,write,delete" -p "runs,task_executions=read"

      Namespaces, pipelines and extensions may have a target: a regular expression (RE2) for a whole id; without one it is all of them. A target may hold colons, equals signs and commas; a comma before a word that could be a resource is written \\, there. What a request needs must be allowed by one role of its token, whichever of that role's permissions allow it.

      A file is JSON: a list of permissions, or an object as role get prints it. Resources are "namespaces:^devops.*" or { "resource": "namespaces", "target": "^devops.*" }.
    `;

export const permissionOption = (meaning: string) =>
  Option.Array('-p,--permission', [], { description: `${meaning}, such as pipelines:^web-.*,runs=read,write; may be given several times` });
export const roleFileOption = () =>
  Option.String('--file', { description: 'Take the permissions from this file of JSON; @ is standard input' });

/** What the options say; undefined where neither is given. Rejects with `INVALID_ARGUMENT` on both. */
export async function readRoleOptions(
  context: GoferContext,
  { typed, file }: { readonly typed: readonly string[]; readonly file: string | undefined },
): Promise<{ readonly description?: string; readonly permissions: GivenPermission[] } | undefined> {
  if (typed.length > 0 && file !== undefined)
    throw new GoferError('INVALID_ARGUMENT', 'permissions are given twice, by --permission and by --file: give one of them');
  if (file !== undefined) return await readRoleFile(context, file);
  return typed.length === 0 ? undefined : { permissions: parsePermissions(typed, '--permission') };
}
