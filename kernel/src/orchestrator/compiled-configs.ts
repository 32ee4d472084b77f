/** Config versions with their graphs, compiled once and shared by all runs of a version; the least recently used are forgotten. */
import { GoferError } from '@gofer/contracts';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { type CompiledGraph, compileGraph } from '../domain/graph.ts';
import type { Store } from '../storage/store.ts';

export interface CompiledConfig {
  readonly definition: PipelineDefinition;
  readonly graph: CompiledGraph;
}

const KEPT = 256;

export class CompiledConfigs {
  readonly #store: Store;
  readonly #kept = new Map<string, CompiledConfig>();

  constructor(store: Store) {
    this.#store = store;
  }

  put(pipelineUid: string, version: number, compiled: CompiledConfig): void {
    const key = `${pipelineUid}/${version}`;
    this.#kept.delete(key);
    this.#kept.set(key, compiled);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  get(pipelineUid: string, version: number): CompiledConfig {
    const known = this.#kept.get(`${pipelineUid}/${version}`);
    if (known !== undefined) {
      this.put(pipelineUid, version, known);
      return known;
    }
    const record = this.#store.configs.find(pipelineUid, version);
    if (record === undefined) throw new GoferError('NOT_FOUND', `version ${version} of the pipeline does not exist`);
    const compiled = { definition: record.definition, graph: compileGraph(record.definition.tasks) };
    this.put(pipelineUid, version, compiled);
    return compiled;
  }
}
