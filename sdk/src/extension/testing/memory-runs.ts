import type { PipelineName } from '../extension.ts';

export interface KitRun {
  readonly pipeline: PipelineName;
  readonly runId: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
  /** The event from outside that it was started for. */
  readonly deliveryId?: string;
  /** Virtual epoch milliseconds. */
  readonly at: number;
  readonly state: 'running' | 'complete';
  readonly status: 'unknown' | 'failed' | 'successful' | 'cancelled';
}

/** A request to start a run that has arrived, also one that was made to fail or that repeats an earlier one. */
export interface KitRequest {
  readonly pipeline: PipelineName;
  readonly idempotencyKey: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly deliveryId?: string;
  readonly at: number;
}

/** The runs of a server in memory: one for each key of each pipeline. */
export class MemoryRuns {
  readonly runs: KitRun[] = [];
  readonly requests: KitRequest[] = [];
  readonly #waiting = new Set<() => void>();

  start(request: KitRequest): KitRun {
    const { pipeline, idempotencyKey } = request;
    const ofPipeline = this.runs.filter((run) => isOf(run, pipeline));
    const earlier = ofPipeline.find((run) => run.idempotencyKey === idempotencyKey);
    if (earlier !== undefined) return earlier;
    const run: KitRun = { ...request, runId: ofPipeline.length + 1, state: 'running', status: 'unknown' };
    this.runs.push(run);
    return run;
  }

  find(pipeline: PipelineName, runId: number): KitRun | undefined {
    return this.runs.find((run) => run.runId === runId && isOf(run, pipeline));
  }

  /** Throws where there is none, or several of that number. */
  finish(runId: number, status: KitRun['status'], pipeline: PipelineName | undefined): KitRun {
    const found = this.runs.filter((run) => run.runId === runId && (pipeline === undefined || isOf(run, pipeline)));
    const [run] = found;
    if (run === undefined || found.length > 1) throw new Error(`There are ${found.length} runs ${runId}: name the pipeline.`);
    const finished: KitRun = { ...run, state: 'complete', status };
    this.runs[this.runs.indexOf(run)] = finished;
    for (const wake of this.#waiting) wake();
    return finished;
  }

  /** Calls `wake` whenever a run has ended, until what is answered is called. */
  onFinish(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }
}

function isOf(run: KitRun, { namespaceId, pipelineId }: PipelineName): boolean {
  return run.pipeline.namespaceId === namespaceId && run.pipeline.pipelineId === pipelineId;
}

/** As the server writes it. */
export function toWire({ pipeline, runId, at, state, status, variables }: KitRun): unknown {
  return {
    namespace_id: pipeline.namespaceId,
    pipeline_id: pipeline.pipelineId,
    run_id: runId,
    started: at,
    ended: state === 'complete' ? at : 0,
    state,
    status,
    status_reason: null,
    variables: Object.entries(variables).map(([key, value]) => ({ key, value, source: 'run_options' })),
  };
}
