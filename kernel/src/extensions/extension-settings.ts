/** Settings as they are kept: which there are, and which refer to secrets, for everybody to see; every value for the secret store only. */
import { type Fault, GoferError } from '@gofer/contracts';
import { variableFaults } from '@gofer/contracts/pipeline';
import { formatReference, isReference, parseReference } from '../domain/index.ts';
import type { KeptSetting } from '../storage/extensions-table.ts';
import { MASK } from '../workers/logs/index.ts';
import { SYSTEM_PREFIX } from './extension-environment.ts';

/** What the secret store has of an extension's registration, as JSON. */
export interface SealedRegistration {
  readonly settings: Readonly<Record<string, string>>;
  /** Of the registry. */
  readonly password?: string;
}

export function toKeptSettings(settings: Readonly<Record<string, string>>): KeptSetting[] {
  return Object.entries(settings).map(([key, value]) => {
    const reference = referenceIn(value);
    return reference === undefined ? { key } : { key, reference };
  });
}

/** The reference that a value is, as a person writes it; undefined where it means itself. */
export function referenceIn(value: string): string | undefined {
  const reference = parseReference(value);
  return reference === undefined ? undefined : formatReference(reference);
}

/** Everything that is wrong with the settings of an extension; `path`, such as `$.settings`, stands before each. */
export function settingFaults(settings: Readonly<Record<string, string>>, path: string): Fault[] {
  const own = Object.keys(settings)
    .filter((key) => key.toUpperCase().startsWith(SYSTEM_PREFIX))
    .map((key) => ({
      path: `${path}.${key}`,
      message: `begins with ${SYSTEM_PREFIX}, which is what the server itself tells an extension`,
    }));
  const references = Object.entries(settings).flatMap(([key, value]) => valueFaults(value, `${path}.${key}`));
  return [...variableFaults(settings, path), ...own, ...references];
}

/**
 * An extension belongs to no pipeline: of what can be referred to only global secrets are there for it. Nor is what is shown in the place
 * of a value a value: whoever sends back what they were shown would lose it.
 */
export function valueFaults(value: string, path: string): Fault[] {
  if (value === MASK)
    return [{ path, message: `is ${MASK}, which stands for a value that is not shown: leave it out, and it stays as it is` }];
  if (!isReference(value)) return [];
  try {
    const reference = parseReference(value);
    if (reference === undefined || reference.kind === 'global_secret') return [];
    return [
      { path, message: `refers to ${formatReference(reference)}; an extension belongs to no pipeline, and uses global_secret{{KEY}} only` },
    ];
  } catch (error) {
    if (!(error instanceof GoferError)) throw error;
    return [{ path, message: error.message }];
  }
}
