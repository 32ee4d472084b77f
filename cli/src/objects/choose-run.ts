import { GoferError } from '@gofer/contracts';
import { readCount } from '../gofer-command.ts';
import type { GoferContext } from '../gofer-context.ts';

export interface ChosenRun {
  readonly run_id: number;
  /** `run #5 (the newest one)` where nobody named it; else undefined. */
  readonly named: string | undefined;
}

/**
 * The run that was named; else the one that this command runs in, as long as that is one of the same pipeline; else the newest one.
 * Rejects with `NOT_FOUND` where there is none.
 */
export async function chooseRun(
  context: GoferContext,
  path: { namespace_id: string; pipeline_id: string },
  given: string | undefined,
): Promise<ChosenRun> {
  if (given !== undefined) return { run_id: readCount(given, 'a run', { minimum: 1 }), named: undefined };
  const own = ownRun(context.env, path);
  if (own !== undefined) return { run_id: own, named: `run #${own} (GOFER_RUN_ID)` };
  const client = await context.client();
  const { runs } = await client.call('list_runs', { path, query: { limit: 1, reverse: true } });
  const [newest] = runs;
  if (newest === undefined) {
    throw new GoferError('NOT_FOUND', `${path.pipeline_id} has no runs yet; start one with: gofer run start ${path.pipeline_id}`);
  }
  return { run_id: newest.run_id, named: `run #${newest.run_id} (the newest one)` };
}

/** A task may work with another pipeline than its own: there the number of its run says nothing. */
function ownRun(env: GoferContext['env'], path: { namespace_id: string; pipeline_id: string }): number | undefined {
  const { GOFER_RUN_ID: run = '', GOFER_PIPELINE_ID: pipeline = '', GOFER_NAMESPACE_ID: namespace = '' } = env;
  if (run === '' || (pipeline !== '' && pipeline !== path.pipeline_id) || (namespace !== '' && namespace !== path.namespace_id))
    return undefined;
  return readCount(run, 'GOFER_RUN_ID', { minimum: 1 });
}
