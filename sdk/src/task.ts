import { checkTimeLimit, type Duration } from './duration.ts';
import type { TaskId } from './identifier.ts';
import { checkTaskId, checkText, quote } from './identifier.ts';
import { PipelineError } from './pipeline-error.ts';
import type { RetriesJson, TaskJson, TimeLimitsJson } from './pipeline-json.ts';
import { checkRetries, type RetryOptions } from './retries.ts';

/**
 * How the task that is waited for must have ended: successfully, with a failure (for a clean-up or an alert), or either way. Where
 * it ended otherwise, the waiting task is skipped.
 */
export type RequiredStatus = 'any' | 'success' | 'failure';

const WIRE_STATUS = { any: 'Any', success: 'Success', failure: 'Failure' } as const satisfies Record<RequiredStatus, string>;

/** Any id but the task's own. */
type OtherTask<Parent extends string, Own extends string> = string extends Own
  ? Parent
  : Parent extends Own
    ? 'a task cannot depend on itself'
    : Parent;

/** What a record of dependencies must not have: the task itself. */
type WithoutOwn<Parents, Own extends string> = string extends Own | keyof Parents
  ? unknown
  : Own extends keyof Parents
    ? Readonly<Record<Own, 'a task cannot depend on itself'>>
    : unknown;

/** One container to run. Made by `newTask`; every method changes the task and returns it. */
export class Task {
  readonly id: string;
  readonly #image: string;
  #description: string | null = null;
  #registryAuth: TaskJson['registry_auth'] = null;
  readonly #dependsOn = new Map<string, RequiredStatus>();
  readonly #variables = new Map<string, string>();
  #entrypoint: readonly string[] | null = null;
  #command: readonly string[] | null = null;
  #injectApiToken = false;
  #alwaysPullNewestImage = false;
  #timeLimits: TimeLimitsJson = {};
  #retries: RetriesJson = {};
  #always = false;

  constructor(id: string, image: string) {
    checkTaskId(id);
    this.id = id;
    if (checkText(image, this.#what('image')) === '' || /\s/.test(image)) {
      throw new PipelineError(`${this.#what('image')} must be an image reference such as "ubuntu:latest", not ${quote(image)}`);
    }
    this.#image = image;
  }

  /** What the task is for. */
  description(text: string): this {
    this.#description = checkText(text, this.#what('description'));
    return this;
  }

  /** The program and its arguments, in the place of the image's own command. No shell reads them. */
  command(...words: string[]): this {
    this.#command = this.#checkWords(words, 'command');
    return this;
  }

  /** In the place of the image's own entrypoint: what `command` is given to. */
  entrypoint(...words: string[]): this {
    this.#entrypoint = this.#checkWords(words, 'entrypoint');
    return this;
  }

  /**
   * A script, run by a shell of the image: sets the command to `[shell, '-c', text]`, the text without white space around it. The
   * shell is `bash`; small images such as busybox and alpine have only `sh`.
   */
  script(text: string, options: { readonly shell?: string } = {}): this {
    const trimmed = checkText(text, this.#what('script')).trim();
    if (trimmed === '') throw new PipelineError(`${this.#what('script')} is empty`);
    const { shell = 'bash' } = options;
    if (checkText(shell, this.#what('shell')) === '') throw new PipelineError(`${this.#what('shell')} must name a shell, such as "sh"`);
    this.#command = [shell, '-c', trimmed];
    return this;
  }

  /** An environment variable. A value may be a reference: `pipelineSecret('key')` and its like. */
  variable(key: string, value: string): this {
    if (checkText(key, this.#what('variable')) === '' || key.includes('=') || key.includes('\0')) {
      throw new PipelineError(`${this.#what('variable')} ${quote(key)} is not a name: it is empty or has "="`);
    }
    // The value is not shown: it may be a secret.
    if (typeof value !== 'string') throw new PipelineError(`${this.#what('variable')} ${quote(key)} must be a string, not ${typeof value}`);
    if (value.includes('\0'))
      throw new PipelineError(`${this.#what('variable')} ${quote(key)} has a NUL character, which no variable can hold`);
    this.#variables.set(key, value);
    return this;
  }

  /** Several environment variables, beside those already set. */
  variables(variables: Readonly<Record<string, string>>): this {
    for (const [key, value] of Object.entries(variables)) this.variable(key, value);
    return this;
  }

  /** Wait for one task. */
  dependsOnOne<const Parent extends string>(parent: OtherTask<Parent, this['id']>, status: RequiredStatus): this {
    return this.#addDependency(parent, status);
  }

  /** Wait for all of these tasks: `{ build: 'success', lint: 'any' }`. */
  dependsOnMany<const Parents extends Readonly<Record<string, RequiredStatus>>>(parents: Parents & WithoutOwn<Parents, this['id']>): this {
    return this.#addDependencies(parents);
  }

  /** The same as `dependsOnMany`. */
  dependsOn<const Parents extends Readonly<Record<string, RequiredStatus>>>(parents: Parents & WithoutOwn<Parents, this['id']>): this {
    return this.#addDependencies(parents);
  }

  /** The credentials for the image's registry. Use references, such as `globalSecret('registry-password')`. */
  registryAuth(user: string, pass: string): this {
    if (typeof pass !== 'string') throw new PipelineError(`${this.#what('registry password')} must be a string, not ${typeof pass}`);
    this.#registryAuth = { user: checkText(user, this.#what('registry user')), pass };
    return this;
  }

  /** Give the task a token for Gofer's API, as `GOFER_API_TOKEN`. It is good for this pipeline only and ends with the run's logs. */
  injectApiToken(inject: boolean): this {
    this.#injectApiToken = this.#checkFlag(inject, 'injectApiToken');
    return this;
  }

  /** Ask the registry for a newer image at every start, where otherwise the image that is there is used. */
  alwaysPullNewestImage(always: boolean): this {
    this.#alwaysPullNewestImage = this.#checkFlag(always, 'alwaysPullNewestImage');
    return this;
  }

  /** How long one attempt may take, from the start of its container: whole seconds, or a text such as `'10m'`. */
  timeout(limit: Duration): this {
    this.#timeLimits = { ...this.#timeLimits, timeout: checkTimeLimit(limit, this.#what('timeout')) };
    return this;
  }

  /** How long the task may take from when it could run until its container runs: for a free slot, the image and the engine. */
  startTimeout(limit: Duration): this {
    this.#timeLimits = { ...this.#timeLimits, start_timeout: checkTimeLimit(limit, this.#what('start timeout')) };
    return this;
  }

  /**
   * Further attempts after the first, 0 to 100: `retries(3, { on: ['infrastructure', 75], backoff: { initial: '10s' } })`. Replaces
   * what an earlier call said; what the options leave out is the pipeline's, else the default.
   */
  retries(attempts: number, options: RetryOptions = {}): this {
    this.#retries = checkRetries(attempts, options, `task ${quote(this.id)}`);
    return this;
  }

  /** Runs also after the run was cancelled: for what must be cleaned up, however the run ends. */
  always(always = true): this {
    this.#always = this.#checkFlag(always, 'always');
    return this;
  }

  /** The ids of the tasks that are waited for. */
  get parents(): readonly string[] {
    return [...this.#dependsOn.keys()];
  }

  /** The task in the wire's form. */
  toJSON(): TaskJson {
    return {
      id: this.id,
      description: this.#description,
      image: this.#image,
      registry_auth: this.#registryAuth,
      depends_on: Object.fromEntries([...this.#dependsOn].map(([parent, status]) => [parent, WIRE_STATUS[status]])),
      variables: Object.fromEntries(this.#variables),
      entrypoint: this.#entrypoint,
      command: this.#command,
      inject_api_token: this.#injectApiToken,
      always_pull_newest_image: this.#alwaysPullNewestImage,
      ...this.#timeLimits,
      ...this.#retries,
      ...(this.#always ? { always: true } : {}),
    };
  }

  #addDependencies(parents: Readonly<Record<string, RequiredStatus>>): this {
    for (const [parent, status] of Object.entries(parents)) this.#addDependency(parent, status);
    return this;
  }

  #addDependency(parent: string, status: RequiredStatus): this {
    checkTaskId(parent);
    if (parent === this.id) throw new PipelineError(`task ${quote(this.id)} depends on itself`);
    if (!Object.hasOwn(WIRE_STATUS, status)) {
      throw new PipelineError(
        `task ${quote(this.id)} waits for ${quote(parent)} to end as ${quote(status)}; use "any", "success" or "failure"`,
      );
    }
    this.#dependsOn.set(parent, status);
    return this;
  }

  #checkWords(words: readonly string[], what: string): readonly string[] {
    if (words.length === 0) throw new PipelineError(`${this.#what(what)} has no words`);
    for (const word of words) {
      if (checkText(word, `each word of ${this.#what(what)}`).includes('\0'))
        throw new PipelineError(`${this.#what(what)} has a NUL character`);
    }
    return words;
  }

  #checkFlag(value: boolean, what: string): boolean {
    if (typeof value === 'boolean') return value;
    throw new PipelineError(`${this.#what(what)} must be true or false, not ${quote(value)}`);
  }

  #what(part: string): string {
    return `the ${part} of task ${quote(this.id)}`;
  }
}

/**
 * A task: `newTask('build', 'golang:1.26').command('go', 'build', './...')`.
 *
 * The id is unique in the pipeline. Throws a `PipelineError` for an id or an image that cannot be one.
 */
export function newTask<const Id extends string>(id: TaskId<Id>, image: string): Task & { readonly id: Id } {
  return new Task(id, image) as Task & { readonly id: Id };
}
