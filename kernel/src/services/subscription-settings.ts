/** Whether settings can be those of a subscription, as far as the server can tell without asking the extension. */
import { closestName, type Fault, GoferError } from '@gofer/contracts';
import type { ExtensionDocumentation } from '@gofer/contracts/api';
import { isSecretReference, parseReference, type Reference } from '../domain/index.ts';

type Settings = Readonly<Record<string, string>>;

/** Bytes of one value: more is no setting, and could not be a variable of anything. */
const LARGEST_VALUE = 131_071;
const SETTINGS_PATH = '$.settings.';

/**
 * What is wrong with settings, all of it at once. Keys are compared as they are documented, letter by letter: extensions look for them so.
 * An extension that has never run has documented nothing, and everything is left to it.
 */
export function settingsFaults(settings: Settings, documentation: ExtensionDocumentation | undefined, extensionId: string): Fault[] {
  const faults: Fault[] = [];
  const documented = documentation?.pipeline_subscription_params;
  const known = documented?.map(({ key }) => key) ?? [];
  for (const [key, value] of Object.entries(settings)) {
    const path = `${SETTINGS_PATH}${key}`;
    if (documented !== undefined && !known.includes(key)) faults.push({ path, message: unknownKey(key, known, extensionId) });
    const message = valueFault(value);
    if (message !== undefined) faults.push({ path, message });
  }
  for (const { key, required, documentation: text } of documented ?? []) {
    if (!required || Object.hasOwn(settings, key)) continue;
    faults.push({
      path: `${SETTINGS_PATH}${key}`,
      message: `is missing, and extension '${extensionId}' needs it${text === '' ? '' : `: ${text}`}`,
    });
  }
  return faults;
}

/** Throws `INVALID_ARGUMENT` with every fault. `what` names what was asked for: `The subscription cannot be made.` */
export function assertSettings(
  settings: Settings,
  { documentation, extensionId, what }: { documentation: ExtensionDocumentation | undefined; extensionId: string; what: string },
): void {
  const details = settingsFaults(settings, documentation, extensionId);
  const [first] = details;
  if (first === undefined) return;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  const key = first.path.slice(SETTINGS_PATH.length);
  throw new GoferError('INVALID_ARGUMENT', `${what} Setting '${key}' ${first.message}${more}`, { details });
}

/** Whoever may not read a secret must not have an extension read it to them. The settings have no faults. */
export function assertMayRefer(settings: Settings, mayRead: (what: 'pipeline' | 'global') => boolean, what: string): void {
  for (const [key, value] of Object.entries(settings)) {
    const reference = parseReference(value);
    if (reference === undefined || !isSecretReference(reference)) continue;
    const kind = reference.kind === 'global_secret' ? 'global' : 'pipeline';
    if (mayRead(kind)) continue;
    throw new GoferError(
      'PERMISSION_DENIED',
      `${what} Setting '${key}' refers to a ${kind} secret, and these credentials do not permit to read ${kind} secrets.`,
    );
  }
}

function unknownKey(key: string, known: readonly string[], extensionId: string): string {
  const near = closestName(key, known);
  if (near !== undefined) return `is no setting of extension '${extensionId}'; did you mean '${near}'?`;
  const list = known.length === 0 ? 'which takes none' : `which takes ${known.join(', ')}`;
  return `is no setting of extension '${extensionId}', ${list}`;
}

function valueFault(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain NUL';
  if (Buffer.byteLength(value) > LARGEST_VALUE) return `must have at most ${LARGEST_VALUE} bytes`;
  let reference: Reference | undefined;
  try {
    reference = parseReference(value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (reference?.kind === 'run_object') return 'refers to an object of a run, and a subscription belongs to none; use pipeline_object';
  return undefined;
}
