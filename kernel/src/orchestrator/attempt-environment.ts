/**
 * What an attempt is given: its variables and its registry's credentials with every reference looked up, at the moment it starts and not
 * before. The secrets among it are written into the secret store and pointed to from the attempt before the scheduler hears of them,
 * so that another server masks the same values in the same log, whatever has become of the secrets since; once the log is sealed
 * they are let go of.
 */
import { randomBytes } from 'node:crypto';
import { codeOf, GoferError, type PluginLog } from '@gofer/contracts';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import { insertTaskToken, mintTaskToken, type NewTaskToken, type TaskAccess } from '../access/task-tokens.ts';
import {
  formatReference,
  isSecretReference,
  type Passwords,
  parseReference,
  type Reference,
  toEnvironment,
  type Variable,
} from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { ReferencePlace, References } from '../stores/references.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import { type LogMasking, type LogStore, SHORTEST_MASKED } from '../workers/logs/index.ts';
import type { TaskEnvironment } from './task-spec.ts';

export interface AttemptSubject extends Required<ReferencePlace> {
  readonly attemptUid: string;
  readonly task: TaskDefinition;
  readonly variables: readonly Variable[];
  readonly configVersion: number;
}

export interface PreparedAttempt {
  readonly environment: TaskEnvironment;
  /** Absent where nothing of it is a secret. */
  readonly masking?: LogMasking;
  /** Where the secret store has it; absent where nothing of it is a secret. */
  readonly given?: string;
}

export interface AttemptEnvironmentsParts {
  readonly store: Store;
  readonly references: References;
  readonly secrets: SecretValues;
  readonly taskAccess: TaskAccess;
  readonly logs: LogStore;
  readonly log: PluginLog;
  readonly leave: AbortSignal;
  readonly now: () => number;
}

/** What is kept of a prepared attempt, as JSON in the secret store. */
interface GivenValues {
  readonly environment: TaskEnvironment;
  /** Values of secrets. */
  readonly values: readonly string[];
  /** Seals what the log holds back; base64. */
  readonly key: string;
}

const KEY_BYTES = 32;

/** How a person calls the source of a variable. */
const SOURCES: Readonly<Record<Variable['source'], string>> = {
  pipeline_config: "the pipeline's configuration",
  run_options: "the run's options",
  system: 'the system',
};

export class AttemptEnvironments {
  readonly #parts: AttemptEnvironmentsParts;

  constructor(parts: AttemptEnvironmentsParts) {
    this.#parts = parts;
  }

  /**
   * At once where nothing is to be looked up. Rejects with `FAILED_PRECONDITION` and every reference that stands for nothing, and with
   * `UNAVAILABLE` where a store cannot be reached. `earlier`: what another server has kept for this attempt already.
   */
  prepare(subject: AttemptSubject, earlier: string | undefined): PreparedAttempt | Promise<PreparedAttempt> {
    if (earlier !== undefined) return this.#recall(earlier);
    const { task, variables } = subject;
    if (task.injectApiToken || task.registryAuth !== undefined || variables.some(({ value }) => value.includes('{{')))
      return this.#lookUp(subject);
    return { environment: { env: toEnvironment(variables), sensitive: false } };
  }

  /** What is to be masked in the log of an attempt. Rejects with `DATA_LOSS` or `UNAVAILABLE`. */
  async maskingOf(given: string): Promise<LogMasking | undefined> {
    return (await this.#recall(given)).masking;
  }

  /** In the commit of an attempt's end, when its log is sealed; `collect` is to follow it. */
  letGo(attemptUid: string, given: string): void {
    this.#parts.store.attempts.clearGiven(attemptUid);
    this.#parts.secrets.letGo([given]);
  }

  collect(): void {
    this.#parts.secrets.collect();
  }

  /** What another server has kept for this attempt. Rejects with `DATA_LOSS` or `UNAVAILABLE`. */
  async #recall(given: string): Promise<PreparedAttempt> {
    const kept = JSON.parse(Buffer.from(await this.#parts.secrets.read(given)).toString('utf8')) as GivenValues;
    return { environment: kept.environment, masking: { values: kept.values, key: Buffer.from(kept.key, 'base64') }, given };
  }

  async #lookUp(subject: AttemptSubject): Promise<PreparedAttempt> {
    const search = new Search(this.#parts.references, subject, this.#parts.leave);
    const variables: Variable[] = [];
    for (const variable of subject.variables) {
      const value = await search.valueOf(variable.value, `variable ${variable.key} of ${SOURCES[variable.source]}`);
      variables.push({ ...variable, value });
    }
    const registryAuth = await this.#registryAuth(subject, search);
    search.assertFound();
    const injection = subject.task.injectApiToken ? await this.#inject(subject, search) : undefined;
    const environment = {
      env: { ...injection?.env, ...toEnvironment(variables) },
      sensitive: search.secrets.size > 0,
      ...(registryAuth === undefined ? {} : { registryAuth }),
    };
    return search.secrets.size === 0 ? { environment } : this.#keep(subject, environment, search, injection);
  }

  /** What the task is given to speak to the API; variables of the same names that a person has set stay as they are. */
  async #inject(subject: AttemptSubject, search: Search): Promise<Injection> {
    const token = mintTaskToken();
    search.secrets.set(token.secret, "the task's API token");
    const access = await this.#parts.taskAccess.baseUrl();
    const warnings = 'missing' in access ? [`GOFER_API_BASE_URL is not set, since ${access.missing}: set server.extension_address`] : [];
    const given: Record<string, string> = { GOFER_API_TOKEN: token.secret, GOFER_TOKEN: token.secret };
    if ('url' in access) given['GOFER_API_BASE_URL'] = access.url;
    const set = new Set(subject.variables.filter(({ source }) => source !== 'system').map(({ key }) => key.toUpperCase()));
    return { token, env: Object.fromEntries(Object.entries(given).filter(([key]) => !set.has(key))), warnings };
  }

  async #registryAuth({ task, pipelineUid, configVersion }: AttemptSubject, search: Search): Promise<TaskEnvironment['registryAuth']> {
    const { registryAuth } = task;
    if (registryAuth === undefined) return undefined;
    const sealed = await this.#passwordOf(task.id, pipelineUid, configVersion);
    const username = await search.valueOf(registryAuth.user, 'registry_auth.user');
    const password = sealed ?? (await search.valueOf(registryAuth.pass, 'registry_auth.pass'));
    // A secret wherever it is from.
    if (password !== '' && !search.secrets.has(password)) search.secrets.set(password, `the password of the registry of ${task.image}`);
    return { username, password };
  }

  /** Undefined where the definition itself has it, as a reference. */
  async #passwordOf(taskId: string, pipelineUid: string, configVersion: number): Promise<string | undefined> {
    const { store, secrets } = this.#parts;
    const credentials = store.configs.find(pipelineUid, configVersion)?.credentials;
    if (credentials === undefined) return undefined;
    const passwords = JSON.parse(Buffer.from(await secrets.read(credentials)).toString('utf8')) as Passwords;
    return Object.hasOwn(passwords, taskId) ? passwords[taskId] : undefined;
  }

  /** Committed before anything of it is used. */
  async #keep(
    subject: AttemptSubject,
    environment: TaskEnvironment,
    search: Search,
    injection: Injection | undefined,
  ): Promise<PreparedAttempt> {
    const { attemptUid } = subject;
    const { store, secrets, now } = this.#parts;
    const values = [...search.secrets.keys()];
    const key = randomBytes(KEY_BYTES);
    const warnings = [...warningsOf(search.secrets), ...(injection?.warnings ?? [])];
    const kept: GivenValues = { environment, values, key: key.toString('base64') };
    const given = await secrets.write(Buffer.from(JSON.stringify(kept)), (pointer) =>
      store.commit(() => {
        secrets.adopt(pointer);
        store.attempts.setGiven(attemptUid, pointer, warnings);
        if (injection !== undefined) writeInjection(store, subject, injection, now());
        return pointer;
      }),
    );
    await this.#warn(attemptUid, warnings);
    return { environment, masking: { values, key }, given };
  }

  /** A log that cannot be written says so itself, in its seal; the warnings stand in the task's status too. */
  async #warn(attemptUid: string, warnings: readonly string[]): Promise<void> {
    if (warnings.length === 0) return;
    try {
      await this.#parts.logs.note(attemptUid, warnings.map((warning) => `warning: ${warning}`).join('\n'));
    } catch (error) {
      this.#parts.log('warn', "a warning could not be written into a task's log", { attempt: attemptUid, reason: String(error) });
    }
  }
}

interface Injection {
  readonly token: NewTaskToken;
  readonly env: Readonly<Record<string, string>>;
  /** What the task has to do without, for a person. */
  readonly warnings: readonly string[];
}

/** What an answer shows where a token is given. */
const REDACTED = '[redacted]';

function writeInjection(store: Store, subject: AttemptSubject, { token, env }: Injection, now: number): void {
  const taskId = subject.task.id;
  insertTaskToken(store, token, { ...subject, taskId }, now);
  const shown = Object.entries(env).map(([key, value]) => ({
    key,
    value: value === token.secret ? REDACTED : value,
    source: 'system' as const,
  }));
  const others = subject.variables.filter(({ key }) => !Object.hasOwn(env, key));
  store.taskExecutions.setVariables(
    subject.runUid,
    taskId,
    [...others, ...shown].sort((a, b) => (a.key.toUpperCase() < b.key.toUpperCase() ? -1 : 1)),
  );
}

/** The references of one attempt, and what was found. */
class Search {
  /** Value of a secret → where it is used first. */
  readonly secrets = new Map<string, string>();
  readonly #references: References;
  readonly #place: ReferencePlace;
  readonly #signal: AbortSignal;
  readonly #faults: string[] = [];

  constructor(references: References, place: ReferencePlace, signal: AbortSignal) {
    this.#references = references;
    this.#place = place;
    this.#signal = signal;
  }

  /** What a text stands for: itself, where it is no reference. `use` names where it is used, for a person. */
  async valueOf(text: string, use: string): Promise<string> {
    let reference: Reference | undefined;
    try {
      reference = parseReference(text);
      if (reference === undefined) return text;
      const value = await this.#references.resolve(reference, this.#place, this.#signal);
      if (isSecretReference(reference) && !this.secrets.has(value)) this.secrets.set(value, `${use} (${formatReference(reference)})`);
      return value;
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'FAILED_PRECONDITION' && code !== 'DATA_LOSS' && code !== 'INVALID_ARGUMENT') throw error;
      const what = reference === undefined ? text.trim() : formatReference(reference);
      this.#faults.push(`${use} refers to ${what}: ${error instanceof Error ? error.message : String(error)}`);
      return '';
    }
  }

  assertFound(): void {
    if (this.#faults.length > 0) throw new GoferError('FAILED_PRECONDITION', this.#faults.join('; '));
  }
}

function warningsOf(secrets: ReadonlyMap<string, string>): string[] {
  return [...secrets].flatMap(([value, use]) =>
    Array.from(value.trim()).length >= SHORTEST_MASKED
      ? []
      : [`${use} has fewer than ${SHORTEST_MASKED} characters and is not masked in the log: it would hide ordinary text`],
  );
}
