/** What a run is about, by task number: its names, its definition, what each task is given. Nothing here changes. */
import type { PipelineDefinition, TaskDefinition } from '@gofer/contracts/pipeline';
import { type CompiledGraph, mergeVariables, systemVariables, type Variable } from '../domain/index.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { CompiledConfig } from './compiled-configs.ts';

export class RunSubject {
  readonly run: RunRecord;
  readonly pipeline: PipelineRecord;
  readonly graph: CompiledGraph;
  readonly #config: CompiledConfig;
  #numbers: ReadonlyMap<string, number> | undefined;

  constructor(run: RunRecord, pipeline: PipelineRecord, config: CompiledConfig) {
    this.run = run;
    this.pipeline = pipeline;
    this.graph = config.graph;
    this.#config = config;
  }

  /** As events name it. */
  names(): { namespace_id: string; pipeline_id: string; run_id: number } {
    const { namespace_id, pipeline_id } = this.pipeline.metadata;
    return { namespace_id, pipeline_id, run_id: this.run.runId };
  }

  taskId(task: number): string {
    return this.definition(task).id;
  }

  /** Undefined for an id that the graph does not have. */
  taskNumber(taskId: string): number | undefined {
    this.#numbers ??= new Map(this.graph.taskIds.map((id, task) => [id, task]));
    return this.#numbers.get(taskId);
  }

  get pipelineDefinition(): PipelineDefinition {
    return this.#config.definition;
  }

  definition(task: number): TaskDefinition {
    const definition = this.#config.definition.tasks[task];
    if (definition === undefined) throw new Error(`the graph has a task ${task} that the definition does not have`);
    return definition;
  }

  variablesOf(task: number, attempt: number): readonly Variable[] {
    const definition = this.definition(task);
    const { namespace_id, pipeline_id } = this.pipeline.metadata;
    const options = Object.fromEntries(this.run.variables.map(({ key, value }) => [key, value]));
    const { runId } = this.run;
    return mergeVariables({
      system: systemVariables({
        namespaceId: namespace_id,
        pipelineId: pipeline_id,
        runId,
        taskId: definition.id,
        image: definition.image,
        attempt,
      }),
      run_options: options,
      pipeline_config: definition.variables,
    });
  }
}
