/** Values that stand for others: `pipeline_secret{{key}}` as the whole value of a variable or of a registry's credentials. */
import { GoferError } from '@gofer/contracts';

export const REFERENCE_KINDS = ['pipeline_secret', 'global_secret', 'pipeline_object', 'run_object'] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

export interface Reference {
  readonly kind: ReferenceKind;
  /** What is looked up: trimmed, 1 character or more. */
  readonly name: string;
}

const FORM = /^(pipeline_secret|global_secret|pipeline_object|run_object|unknown)\{\{([^]*)\}\}$/i;

/**
 * The reference that a value is, undefined for a value that means itself. White space around it and inside the braces does not count,
 * nor does the case of the kind; anything else around it makes it an ordinary value. Rejects with `INVALID_ARGUMENT` the kind
 * `unknown`, which v0 knew and could never look up.
 */
export function parseReference(value: string): Reference | undefined {
  if (!isReference(value)) return undefined;
  const [, written = '', between = ''] = FORM.exec(value.trim()) ?? [];
  const kind = written.toLowerCase();
  const name = between.trim();
  if (kind === 'unknown') {
    throw new GoferError('INVALID_ARGUMENT', `is of the kind "unknown"; the kinds are ${REFERENCE_KINDS.join(', ')}`);
  }
  return { kind: kind as ReferenceKind, name };
}

/** True for a value that does not mean itself, even if it is of no known kind and can never be looked up. */
export function isReference(value: string): boolean {
  const match = value.includes('{{') ? FORM.exec(value.trim()) : null;
  const name = match?.[2]?.trim() ?? '';
  return name !== '' && !name.includes('}}');
}

/** True for a reference whose value must not be shown. */
export function isSecretReference(reference: Reference | undefined): boolean {
  return reference?.kind === 'pipeline_secret' || reference?.kind === 'global_secret';
}

/** As a person writes it. */
export function formatReference({ kind, name }: Reference): string {
  return `${kind}{{${name}}}`;
}
