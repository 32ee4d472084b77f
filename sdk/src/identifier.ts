/** The rules of names: in types where a name is written out, at run time everywhere. */
import { PipelineError } from './pipeline-error.ts';

/** What neither kind of id may have. */
type NeverInIds =
  | (' ' | '\t' | '\n' | '!' | '"' | '#' | '$' | '%' | '&' | "'" | '(' | ')' | '*' | '+' | ',' | '.' | '/' | ':' | ';' | '<')
  | ('=' | '>' | '?' | '@' | '[' | '\\' | ']' | '^' | '`' | '{' | '|' | '}' | '~');

/** `Id` itself, or for one that is written out and wrong a text that the compiler shows in the place of the type. */
export type PipelineId<Id extends string> = Id extends '' | `${string}${NeverInIds | '_'}${string}`
  ? 'a pipeline id is 3 to 32 letters, digits and hyphens'
  : Id;

/** `Id` itself, or for one that is written out and wrong a text that the compiler shows in the place of the type. */
export type TaskId<Id extends string> = Id extends '' | `${string}${NeverInIds}${string}`
  ? 'a task id is 1 to 63 letters, digits, hyphens and underscores'
  : Id;

/** `Id` itself, or for one that is written out and wrong a text that the compiler shows in the place of the type. */
export type ExtensionId<Id extends string> = Id extends '' | `${string}${NeverInIds | '_'}${string}`
  ? 'an extension id is 3 to 32 letters, digits and hyphens'
  : Id;

/** `Id` itself, or for one that is written out and wrong a text that the compiler shows in the place of the type. */
export type SubscriptionId<Id extends string> = Id extends '' | `${string}${NeverInIds}${string}`
  ? 'a subscription id is 1 to 63 letters, digits, hyphens and underscores'
  : Id;

export function checkPipelineId(id: string): string {
  if (typeof id === 'string' && /^[a-zA-Z0-9-]{3,32}$/.test(id)) return id;
  throw new PipelineError(`${quote(id)} is not a pipeline id: use 3 to 32 letters, digits and hyphens`);
}

export function checkTaskId(id: string): string {
  if (typeof id === 'string' && /^[a-zA-Z0-9_-]{1,63}$/.test(id)) return id;
  throw new PipelineError(`${quote(id)} is not a task id: use 1 to 63 letters, digits, hyphens and underscores`);
}

export function checkExtensionId(id: string): string {
  if (typeof id === 'string' && /^[a-zA-Z0-9-]{3,32}$/.test(id)) return id;
  throw new PipelineError(`${quote(id)} is not an extension id: use 3 to 32 letters, digits and hyphens`);
}

export function checkSubscriptionId(id: string): string {
  if (typeof id === 'string' && /^[a-zA-Z0-9_-]{1,63}$/.test(id)) return id;
  throw new PipelineError(`${quote(id)} is not a subscription id: use 1 to 63 letters, digits, hyphens and underscores`);
}

/** Programs in JavaScript are not held by the types. */
export function checkText(value: string, what: string): string {
  if (typeof value === 'string') return value;
  throw new PipelineError(`${what} must be a string, not ${quote(value)}`);
}

export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : typeof value;
}
