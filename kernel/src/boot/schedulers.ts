/**
 * Which schedulers a server has: the one that the configuration names (`auto`: the first that answers), and beside it those that
 * attempts of an earlier start still belong to, so that a changed configuration loses none of them.
 */
import { type PluginLog, toFailure } from '@gofer/contracts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';

export interface SchedulerLoading {
  /** `scheduler.engine`. */
  readonly engine: string;
  /** Tried in this order for `auto`. */
  readonly automatic: readonly string[];
  /** Engines of attempts that are not removed yet. */
  readonly inUse: readonly string[];
  /** Resolves, checks and creates one plugin, or rejects with every fault. */
  readonly load: (engine: string) => Promise<NamedScheduler>;
  readonly log: PluginLog;
}

export async function loadSchedulers(loading: SchedulerLoading): Promise<[NamedScheduler, ...NamedScheduler[]]> {
  const current = loading.engine === 'auto' ? await loadFirstThatAnswers(loading) : await loading.load(loading.engine);
  const loaded: [NamedScheduler, ...NamedScheduler[]] = [current];
  for (const engine of loading.inUse) {
    if (engine === current.engine) continue;
    try {
      loaded.push(await loading.load(engine));
    } catch (error) {
      loading.log('error', `tasks that were started by the scheduler '${engine}' cannot be found again, and fail`, {
        ...reasonOf(error),
      });
    }
  }
  return loaded;
}

async function loadFirstThatAnswers({ automatic, load, log }: SchedulerLoading): Promise<NamedScheduler> {
  const last = automatic.at(-1);
  for (const engine of automatic) {
    if (engine === last) break;
    try {
      return await load(engine);
    } catch (error) {
      log('warn', `the scheduler '${engine}' cannot be used, trying '${last}'`, reasonOf(error));
    }
  }
  if (last === undefined) throw new Error('scheduler.engine = "auto" has nothing to choose from');
  const scheduler = await load(last);
  if (!scheduler.scheduler.capabilities.isolation) {
    log(
      'warn',
      `scheduler.engine = "auto" chose '${last}': tasks run as processes of this machine and are NOT isolated from it or from each other. Start Docker to have containers.`,
    );
  }
  return scheduler;
}

/** For the operator's log; the list only where the message does not hold it already. */
function reasonOf(error: unknown): Readonly<Record<string, unknown>> {
  const { message, details = [] } = toFailure(error);
  return details.length > 1 ? { reason: message, faults: details } : { reason: message };
}
