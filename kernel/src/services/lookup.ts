/** Finds what a path names, or says which part of the path does not exist. */
import { GoferError } from '@gofer/contracts';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import type { CompiledConfigs } from '../orchestrator/compiled-configs.ts';
import type { ConfigRecord } from '../storage/configs-table.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { Page, PipelinePath, RunPath, TaskPath } from './services.ts';
import { taskOf } from './wire.ts';

/** SQLite's way to say that there is no limit. */
const NO_LIMIT = -1;

export function limitsOf(page: Page): [limit: number, offset: number] {
  return [page.limit ?? NO_LIMIT, page.offset ?? 0];
}

/** A page of what a caller sees: of everything, where nothing is hidden from it. */
export function listVisible<Item>(
  page: Page,
  list: (limit: number, offset: number) => Item[],
  isVisible: ((item: Item) => boolean) | undefined,
): Item[] {
  if (isVisible === undefined) return list(...limitsOf(page));
  const { limit, offset = 0 } = page;
  return list(NO_LIMIT, 0)
    .filter(isVisible)
    .slice(offset, limit === undefined ? undefined : offset + limit);
}

export class Lookup {
  readonly #store: Store;
  readonly #configs: CompiledConfigs;

  constructor(store: Store, configs: CompiledConfigs) {
    this.#store = store;
    this.#configs = configs;
  }

  namespace(id: string): void {
    if (this.#store.namespaces.find(id) === undefined) throw new GoferError('NOT_FOUND', `Namespace '${id}' does not exist.`);
  }

  pipeline({ namespaceId, pipelineId }: PipelinePath): PipelineRecord {
    const pipeline = this.#store.pipelines.find(namespaceId, pipelineId);
    if (pipeline !== undefined) return pipeline;
    this.namespace(namespaceId);
    throw new GoferError('NOT_FOUND', `Pipeline '${pipelineId}' does not exist in namespace '${namespaceId}'.`);
  }

  /** The uid of an installed extension, under which its objects are kept. */
  extensionUid(id: string): string {
    const uid = this.#store.extensions.uidOf(id);
    if (uid === undefined)
      throw new GoferError(
        'NOT_FOUND',
        `There is no extension '${id.slice(0, 64)}'. See those that are installed with: gofer extension list`,
      );
    return uid;
  }

  /** Version 0 is the highest one. */
  config(pipeline: PipelineRecord, version: number): ConfigRecord {
    const wanted = version === 0 ? this.#store.configs.highestVersion(pipeline.uid) : version;
    const config = this.#store.configs.find(pipeline.uid, wanted);
    if (config !== undefined) return config;
    const name = `ersion ${wanted} of pipeline '${pipeline.metadata.pipeline_id}'`;
    if (wanted > 0 && wanted <= pipeline.versionsExpired)
      throw new GoferError('GONE', `V${name} has expired or was deleted (api.pipeline_version_retention).`);
    throw new GoferError('NOT_FOUND', `There is no v${name}.`);
  }

  run(path: RunPath): { pipeline: PipelineRecord; run: RunRecord } {
    const pipeline = this.pipeline(path);
    const run = this.#store.runs.find(pipeline.uid, path.runId);
    if (run === undefined) throw new GoferError('NOT_FOUND', `Pipeline '${path.pipelineId}' has no run ${path.runId}.`);
    return { pipeline, run };
  }

  task(path: TaskPath): { pipeline: PipelineRecord; run: RunRecord; task: TaskDefinition } {
    const { pipeline, run } = this.run(path);
    const task = taskOf(this.#configs.get(pipeline.uid, run.configVersion).definition, path.taskId);
    if (task === undefined)
      throw new GoferError('NOT_FOUND', `Run ${path.runId} of pipeline '${path.pipelineId}' has no task '${path.taskId}'.`);
    return { pipeline, run, task };
  }
}
