/**
 * The script of the fake: which tasks do what. It is written in TOML or JSON, so its names are those of a configuration file.
 * The first rule that matches a task is used; a task that no rule matches prints its command and exits with 0.
 */

import type { ErrorCode, Fault, TaskSpec } from '@gofer/contracts';
import { ERROR_TABLE, GoferError } from '@gofer/contracts';

/** Steps run in order; what reaches its end exits with 0. */
export type FakeStep =
  /** Writes this text, nothing added. */
  | { readonly print: string; readonly stream?: 'stdout' | 'stderr' }
  | { readonly print_base64: string; readonly stream?: 'stdout' | 'stderr' }
  /** Writes `line 1` to `line <lines>`, at once or so many a second. */
  | { readonly lines: number; readonly stream?: 'stdout' | 'stderr'; readonly per_second?: number }
  /** Writes the letter `x` this many times, without a newline. */
  | { readonly fill: number; readonly stream?: 'stdout' | 'stderr' }
  /** Writes the task's environment as `NAME=value` lines. */
  | { readonly environment: true }
  /** Copies the input of `exec` to its output until it ends. */
  | { readonly echo: true }
  /** Asks for this URL and writes the body of the answer; ends with 1 where there is none. */
  | { readonly get: string }
  /** From here on SIGTERM is ignored. */
  | { readonly ignore_term: true }
  /** From here on SIGTERM prints this and exits with this code. */
  | { readonly on_term: { readonly print_base64?: string; readonly exit: number } }
  | { readonly sleep_ms: number }
  | { readonly exit: number }
  /** The back end loses sight of the task. */
  | { readonly lose: string };

export interface FakeRule {
  /** `*` stands for any text in `image`, `command` (entrypoint and command, joined by spaces) and the values of `labels`. */
  readonly image?: string;
  readonly command?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Use this rule for so many starts only. */
  readonly times?: number;
  /** What is reported before the start, each after `start_delay_ms`. */
  readonly progress?: readonly string[];
  readonly start_delay_ms?: number;
  /** Reject the start. */
  readonly refuse?: { readonly code: ErrorCode; readonly message: string };
  readonly steps?: readonly FakeStep[];
  /** How the end is told: so many milliseconds late, or not before someone inspects the task (a lost event). */
  readonly end_told?: { readonly after_ms: number } | 'when inspected';
  /** What `exec` runs inside such a task, whatever its command. */
  readonly exec?: readonly FakeStep[];
  /** Where a port is reached, by port number. Default: a URL that leads nowhere. */
  readonly endpoints?: Readonly<Record<string, string>>;
}

export type FakeScript = readonly FakeRule[];

/** As the entrypoint, makes the command's only argument the steps themselves, as JSON. */
export const INLINE_STEPS = 'gofer-fake-steps';

const RULE_KEYS: readonly string[] = [
  'image',
  'command',
  'labels',
  'times',
  'progress',
  'start_delay_ms',
  'refuse',
  'steps',
  'end_told',
  'exec',
  'endpoints',
] satisfies readonly (keyof FakeRule)[];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isTrue = (value: unknown): boolean => value === true;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isExitCode = (value: unknown): boolean => isCount(value) && Number(value) <= 255;
const isTexts = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);

const RULE_CHECKS: Readonly<Record<string, readonly [check: (value: unknown) => boolean, must: string]>> = {
  image: [isText, 'text'],
  command: [isText, 'text'],
  labels: [isTexts, 'a table of texts'],
  times: [isCount, 'a whole number'],
  progress: [(value) => Array.isArray(value) && value.every(isText), 'a list of texts'],
  start_delay_ms: [isCount, 'a whole number of milliseconds'],
  refuse: [
    (value) => isRecord(value) && isText(value.message) && isText(value.code) && Object.hasOwn(ERROR_TABLE, String(value.code)),
    'a table with a "code" of the error table and a "message"',
  ],
  end_told: [
    (value) => value === 'when inspected' || (isRecord(value) && isCount(value.after_ms)),
    '"when inspected" or a table with "after_ms"',
  ],
  endpoints: [isTexts, 'a table of URLs by port'],
};

const STEP_CHECKS: Readonly<Record<string, readonly [check: (value: unknown) => boolean, must: string]>> = {
  print: [isText, 'text'],
  print_base64: [isText, 'base64 text'],
  lines: [isCount, 'a whole number'],
  fill: [isCount, 'a whole number'],
  environment: [isTrue, 'true'],
  echo: [isTrue, 'true'],
  get: [(value) => isText(value) && URL.canParse(String(value)), 'a URL'],
  ignore_term: [isTrue, 'true'],
  on_term: [(value) => isRecord(value) && isExitCode(value.exit), 'a table with "exit"'],
  sleep_ms: [isCount, 'a whole number of milliseconds'],
  exit: [isExitCode, '0 to 255'],
  lose: [isText, 'text'],
};

/** Rejects with `CONFIG_INVALID` and every fault. `source` says where the script is from. */
export function readScript(value: unknown, source: string): FakeScript {
  const faults: Fault[] = [];
  if (!Array.isArray(value)) faults.push({ path: source, message: 'must be a list of rules' });
  else for (const [index, rule] of value.entries()) faults.push(...faultsOfRule(rule, `${source}[${index}]`));
  if (faults.length > 0) throw scriptError(source, faults);
  return value as FakeScript;
}

/** Reads steps that were written as JSON. */
export function readSteps(json: string, source: string): readonly FakeStep[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new GoferError('INVALID_ARGUMENT', `${source} is not JSON: ${String(error)}`, { cause: error });
  }
  const faults = faultsOfSteps(value, source);
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `${source} cannot be run`, { details: faults });
  return value as readonly FakeStep[];
}

function scriptError(source: string, faults: readonly Fault[]): GoferError {
  const list = faults.map((fault) => `${fault.path} ${fault.message}`).join('; ');
  return new GoferError('CONFIG_INVALID', `the fake scheduler's script (${source}) cannot be used: ${list}`, { details: faults });
}

function faultsOfRule(rule: unknown, path: string): Fault[] {
  if (!isRecord(rule)) return [{ path, message: 'must be a table' }];
  return Object.entries(rule).flatMap(([key, value]): Fault[] => {
    if (!RULE_KEYS.includes(key)) return [{ path: `${path}.${key}`, message: `is not known; a rule has ${RULE_KEYS.join(', ')}` }];
    if (key === 'steps' || key === 'exec') return faultsOfSteps(value, `${path}.${key}`);
    const check = RULE_CHECKS[key];
    return check === undefined || check[0](value) ? [] : [{ path: `${path}.${key}`, message: `must be ${check[1]}` }];
  });
}

function faultsOfSteps(steps: unknown, path: string): Fault[] {
  if (!Array.isArray(steps)) return [{ path, message: 'must be a list of steps' }];
  return steps.flatMap((step: unknown, index): Fault[] => {
    const at = `${path}[${index}]`;
    const kind = isRecord(step) ? Object.keys(step).find((key) => Object.hasOwn(STEP_CHECKS, key)) : undefined;
    if (!isRecord(step) || kind === undefined) {
      return [{ path: at, message: `must have one of ${Object.keys(STEP_CHECKS).join(', ')}` }];
    }
    const check = STEP_CHECKS[kind];
    const faults = check === undefined || check[0](step[kind]) ? [] : [{ path: `${at}.${kind}`, message: `must be ${check[1]}` }];
    if ('stream' in step && step.stream !== 'stdout' && step.stream !== 'stderr') {
      faults.push({ path: `${at}.stream`, message: 'must be stdout or stderr' });
    }
    if ('per_second' in step && !(isCount(step.per_second) && Number(step.per_second) > 0)) {
      faults.push({ path: `${at}.per_second`, message: 'must be a whole number above 0' });
    }
    return faults;
  });
}

/** What a task's command reads as. */
export const commandLine = (spec: Pick<TaskSpec, 'entrypoint' | 'command'>): string =>
  [...(spec.entrypoint ?? []), ...(spec.command ?? [])].join(' ');

/** Finds rules for tasks, and counts how often those with `times` were used. */
export class ScriptMatcher {
  readonly #rules: readonly { readonly rule: FakeRule; readonly matches: (spec: TaskSpec) => boolean; used: number }[];

  constructor(script: FakeScript) {
    this.#rules = script.map((rule) => ({ rule, matches: toMatcher(rule), used: 0 }));
  }

  /** The first rule that matches, if any; this use of it is counted. */
  take(spec: TaskSpec): FakeRule | undefined {
    for (const entry of this.#rules) {
      if (entry.used >= (entry.rule.times ?? Number.POSITIVE_INFINITY) || !entry.matches(spec)) continue;
      entry.used++;
      return entry.rule;
    }
    return undefined;
  }
}

function toMatcher(rule: FakeRule): (spec: TaskSpec) => boolean {
  const { image, command } = rule;
  const labels = Object.entries(rule.labels ?? {});
  return (spec) =>
    (image === undefined || matchesWildcard(image, spec.image)) &&
    (command === undefined || matchesWildcard(command, commandLine(spec))) &&
    labels.every(([key, pattern]) => matchesWildcard(pattern, spec.labels[key] ?? ''));
}

/** `*` is any text, everything else is itself. Takes time linear in the text for each part of the pattern. */
export function matchesWildcard(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
