import { findCycle } from './cycle.ts';
import { checkTimeLimit, type Duration } from './duration.ts';
import type { ExtensionId, PipelineId, SubscriptionId } from './identifier.ts';
import { checkExtensionId, checkPipelineId, checkSubscriptionId, checkText, quote } from './identifier.ts';
import { PipelineError } from './pipeline-error.ts';
import type { PipelineJson, RetriesJson, SubscriptionJson, TimeLimitsJson } from './pipeline-json.ts';
import { checkRetries, type RetryOptions } from './retries.ts';
import { Task } from './task.ts';

/**
 * What a run does that is started while as many run as `parallelism` allows: waits for its turn, ends the oldest, or is cancelled
 * itself.
 */
export type Concurrency = 'queue' | 'cancelOldest' | 'cancelNewest';

const WIRE_CONCURRENCY = {
  queue: 'queue',
  cancelOldest: 'cancel_oldest',
  cancelNewest: 'cancel_newest',
} as const satisfies Record<Concurrency, string>;

/** Tasks that run together. Made by `newPipeline`; every method changes the pipeline and returns it. */
export class Pipeline {
  readonly id: string;
  readonly name: string;
  #description: string | null = null;
  #parallelism = 0;
  #concurrency: Concurrency | undefined;
  #timeLimits: TimeLimitsJson = {};
  #retries: RetriesJson = {};
  readonly #tasks = new Map<string, Task>();
  readonly #subscriptions = new Map<string, SubscriptionJson>();
  #isFinished = false;

  constructor(id: string, name: string) {
    this.id = checkPipelineId(id);
    this.name = checkText(name, `the name of pipeline ${quote(id)}`);
    if (this.name.trim() === '') throw new PipelineError(`the name of pipeline ${quote(id)} is empty`);
  }

  /** What the pipeline is for. */
  description(text: string): this {
    this.#description = checkText(text, `the description of pipeline ${quote(this.id)}`);
    return this;
  }

  /** How many runs of this pipeline may be active at once; 0, the default, is the server's limit. */
  parallelism(runs: number): this {
    if (!Number.isSafeInteger(runs) || runs < 0)
      throw new PipelineError(`parallelism must be a whole number, 0 or more, not ${quote(runs)}`);
    this.#parallelism = runs;
    return this;
  }

  /** What happens when a run is started while as many run as `parallelism` allows; `queue` where this is not called. */
  concurrency(concurrency: Concurrency): this {
    if (!Object.hasOwn(WIRE_CONCURRENCY, concurrency)) {
      throw new PipelineError(`concurrency must be "queue", "cancelOldest" or "cancelNewest", not ${quote(concurrency)}`);
    }
    this.#concurrency = concurrency;
    return this;
  }

  /** How long a run may take from the moment it begins: whole seconds, or a text such as `'2h'`. */
  timeout(limit: Duration): this {
    this.#timeLimits = { ...this.#timeLimits, timeout: checkTimeLimit(limit, `the timeout of pipeline ${quote(this.id)}`) };
    return this;
  }

  /** How long a run may wait for its turn. */
  startTimeout(limit: Duration): this {
    this.#timeLimits = { ...this.#timeLimits, start_timeout: checkTimeLimit(limit, `the start timeout of pipeline ${quote(this.id)}`) };
    return this;
  }

  /** What holds for every task that does not say its own; see `Task.retries`. */
  retries(attempts: number, options: RetryOptions = {}): this {
    this.#retries = checkRetries(attempts, options, `pipeline ${quote(this.id)}`);
    return this;
  }

  /** Adds tasks, in any order: what they wait for may come later. Throws for an id that is there already. */
  tasks(...tasks: readonly Task[]): this {
    for (const task of tasks) {
      if (!(task instanceof Task))
        throw new PipelineError(`tasks takes what newTask returns, not ${quote(task)}; a list is spread: tasks(...list)`);
      if (this.#tasks.has(task.id)) throw new PipelineError(`there are two tasks with the id ${quote(task.id)}`);
      this.#tasks.set(task.id, task);
    }
    return this;
  }

  /**
   * Subscribes the pipeline to an extension that is installed on the server: `subscribe('cron', 'nightly', { expression: '0 3 * * * *' })`.
   * `gofer up` makes, changes and removes what is subscribed here, and leaves alone what people have subscribed by hand. A setting may
   * be a secret: `pipelineSecret('key')`. Throws for a subscription that is there already.
   */
  subscribe<const Extension extends string, const Subscription extends string>(
    extensionId: ExtensionId<Extension>,
    subscriptionId: SubscriptionId<Subscription>,
    settings: Readonly<Record<string, string>> = {},
  ): this {
    const subscription = { extension_id: checkExtensionId(extensionId), subscription_id: checkSubscriptionId(subscriptionId) };
    const name = `${subscription.extension_id}/${subscription.subscription_id}`;
    if (this.#subscriptions.has(name)) throw new PipelineError(`there are two subscriptions ${quote(name)}`);
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
      throw new PipelineError(`the settings of subscription ${quote(name)} must be an object of strings, not ${quote(settings)}`);
    }
    const entries = Object.entries(settings);
    for (const [key, value] of entries) checkText(value, `the setting ${quote(key)} of subscription ${quote(name)}`);
    this.#subscriptions.set(name, { ...subscription, settings: Object.fromEntries(entries) });
    return this;
  }

  /** Throws a `PipelineError` that names everything only the whole shows: no tasks, unknown dependencies, a cycle. */
  validate(): this {
    const faults: string[] = [];
    if (this.#tasks.size === 0) faults.push(`pipeline ${quote(this.id)} has no tasks`);
    const parentsOf = new Map<string, readonly string[]>();
    for (const task of this.#tasks.values()) {
      const { parents } = task;
      parentsOf.set(task.id, parents);
      for (const parent of parents) {
        if (!this.#tasks.has(parent))
          faults.push(`task ${quote(task.id)} depends on ${quote(parent)}, which is not a task of this pipeline`);
      }
    }
    const cycle = findCycle(parentsOf);
    // Along a cycle each waits for the next: read backwards it is the order in which they would have to run.
    if (cycle !== undefined) faults.push(`the tasks wait for each other in a circle: ${cycle.toReversed().join(' → ')}`);
    if (faults.length > 0) throw new PipelineError(faults.join('\n'), faults);
    return this;
  }

  /** The pipeline in the wire's form. Throws as `validate` does. */
  toJSON(): PipelineJson {
    this.validate();
    return {
      id: this.id,
      name: this.name,
      description: this.#description,
      parallelism: this.#parallelism,
      ...(this.#concurrency === undefined ? {} : { concurrency: WIRE_CONCURRENCY[this.#concurrency] }),
      ...this.#timeLimits,
      ...this.#retries,
      tasks: [...this.#tasks.values()].map((task) => task.toJSON()),
      ...(this.#subscriptions.size === 0 ? {} : { subscriptions: [...this.#subscriptions.values()] }),
    };
  }

  /**
   * The pipeline is complete: checks it and prints it to standard output, one line of JSON, which is what `gofer up` reads. Called
   * once, at the end of the program; whatever else the program prints belongs on standard error. Throws as `validate` does.
   */
  finish(): PipelineJson {
    if (this.#isFinished) throw new PipelineError(`finish was called twice for pipeline ${quote(this.id)}`);
    const json = this.toJSON();
    this.#isFinished = true;
    process.stdout.write(`${JSON.stringify(json)}\n`);
    return json;
  }
}

/**
 * A pipeline: `newPipeline('simple', 'My Simple Pipeline').tasks(newTask(...)).finish()`.
 *
 * The id is what commands and addresses use, the name is for people. Throws a `PipelineError` for an id that cannot be one.
 */
export function newPipeline<const Id extends string>(id: PipelineId<Id>, name: string): Pipeline {
  return new Pipeline(id, name);
}
