/** Which requests of a route are in the audit, and what of them. */
import type { RouteDefinition } from '@gofer/contracts/api';
import type { Values } from '../request/parameters.ts';

/** What of a value is told; the rest of a longer one is of no use to who reads it. */
const LONGEST_VALUE = 512;

export interface AuditedParts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Values;
  readonly body: unknown;
}

/** Undefined for a route of which no request is. */
export function auditOf(route: RouteDefinition): ((parts: AuditedParts) => Record<string, string> | undefined) | undefined {
  const { audit, method } = route;
  if (method === 'GET' && audit === undefined) return undefined;
  return ({ path, query, body }) => {
    if (audit?.when !== undefined && query[audit.when] !== true) return undefined;
    const target: Record<string, string> = {};
    for (const [name, value] of Object.entries(path)) target[name] = cut(value);
    const told: [name: string, value: unknown][] = [
      ...(audit?.query ?? []).map((name): [string, unknown] => [name, query[name]]),
      ...(audit?.body ?? []).map((name): [string, unknown] => [name, Object(body)[name]]),
    ];
    for (const [name, value] of told) {
      if (value !== undefined && value !== null) target[name] = cut(typeof value === 'string' ? value : JSON.stringify(value));
    }
    return target;
  };
}

function cut(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}
