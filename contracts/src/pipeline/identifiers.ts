/** The rules for names that people choose. Matching is exact: nothing is trimmed, nothing is folded. */

/** What a message says of each rule. */
export const IDENTIFIER_RULE = '3 to 32 characters of a-z, A-Z, 0-9 and -';
export const TASK_ID_RULE = '1 to 63 characters of a-z, A-Z, 0-9, _ and -';
export const OBJECT_KEY_RULE = '1 to 1,024 bytes of UTF-8';

const IDENTIFIER = /^[a-zA-Z0-9-]{3,32}$/;
const TASK_ID = /^[a-zA-Z0-9_-]{1,63}$/;
const OBJECT_KEY_BYTES = 1_024;

/** Namespaces, pipelines, roles and extensions. */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text);
}

/** Tasks, subscriptions and secret keys. */
export function isTaskId(text: string): boolean {
  return TASK_ID.test(text);
}

/** Objects. A lone surrogate is no UTF-8. */
export function isObjectKey(text: string): boolean {
  if (text.length === 0 || text.length > OBJECT_KEY_BYTES) return false;
  return text.isWellFormed() && new TextEncoder().encode(text).length <= OBJECT_KEY_BYTES;
}
