import { type Fault, GoferError } from '@gofer/contracts';
import { ACTIONS, type Action, type GivenPermission } from '@gofer/contracts/api';
import type { GoferContext } from '../gofer-context.ts';
import { decodeUtf8, readFileAtMost, readStdin } from '../input/read-at-most.ts';

const LARGEST_FILE = 1_048_576;
/** Those that `gofer role get` prints and nobody can set are let through. */
const KNOWN_KEYS = ['id', 'description', 'permissions', 'system_role'];

export interface WrittenRole {
  readonly description?: string;
  readonly permissions: GivenPermission[];
}

/**
 * A role as JSON: a list of permissions, or an object as `gofer role get` prints it. `@` or `-` is standard input. Rejects with
 * `INVALID_ARGUMENT` with every fault of its form; what the permissions say is the server's to judge.
 */
export async function readRoleFile(context: GoferContext, file: string): Promise<WrittenRole> {
  const isStdin = file === '@' || file === '-';
  const name = isStdin ? 'standard input' : file;
  const bytes = await (isStdin ? readStdin(context, LARGEST_FILE) : readFileAtMost(context, file, LARGEST_FILE));
  if (bytes === undefined) throw new GoferError('INVALID_ARGUMENT', `${name} has more than ${LARGEST_FILE} bytes, which is no role`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new GoferError('INVALID_ARGUMENT', `${name} is not text (UTF-8)`);
  const faults: Fault[] = [];
  const role = toRole(parseJson(text.replace(/^\ufeff/u, ''), name), (path, message) => faults.push({ path: `${name}: ${path}`, message }));
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `the role in ${name} cannot be used`, { details: faults });
  return role;
}

type Report = (path: string, message: string) => void;

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GoferError('INVALID_ARGUMENT', `${name} is not JSON: ${error.message}`, { cause: error });
  }
}

function toRole(value: unknown, report: Report): WrittenRole {
  if (Array.isArray(value)) return { permissions: toPermissions(value, '$', report) };
  if (!isRecord(value)) {
    report('$', 'must be a list of permissions, or an object with "permissions"');
    return { permissions: [] };
  }
  for (const key of Object.keys(value))
    if (!KNOWN_KEYS.includes(key)) report(`$.${key}`, `is not known; a role has ${KNOWN_KEYS.join(', ')}`);
  const { description, permissions } = value;
  if (description !== undefined && typeof description !== 'string') report('$.description', 'must be a string');
  return { ...(typeof description === 'string' ? { description } : {}), permissions: toPermissions(permissions, '$.permissions', report) };
}

function toPermissions(value: unknown, path: string, report: Report): GivenPermission[] {
  if (!Array.isArray(value)) {
    report(path, 'must be a list of permissions');
    return [];
  }
  return value.map((permission: unknown, index) => toPermission(permission, `${path}[${index}]`, report));
}

function toPermission(value: unknown, path: string, report: Report): GivenPermission {
  if (!isRecord(value) || !Array.isArray(value['resources']) || !Array.isArray(value['actions'])) {
    report(path, 'must be an object with the lists "resources" and "actions"');
    return { resources: [], actions: [] };
  }
  const resources = value['resources'].flatMap((resource: unknown, index) => {
    if (isResource(resource)) return [resource];
    report(`${path}.resources[${index}]`, 'must be a string such as "namespaces:^devops.*", or { "resource", "target" }');
    return [];
  });
  const actions = value['actions'].flatMap((action: unknown, index) => {
    if (isAction(action)) return [action];
    report(`${path}.actions[${index}]`, `must be one of ${ACTIONS.join(', ')}`);
    return [];
  });
  return { resources, actions };
}

function isResource(value: unknown): value is GivenPermission['resources'][number] {
  if (typeof value === 'string') return true;
  if (!isRecord(value) || typeof value['resource'] !== 'string') return false;
  const { target } = value;
  return target === undefined || target === null || typeof target === 'string';
}

function isAction(value: unknown): value is Action {
  return ACTIONS.some((action) => action === value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
