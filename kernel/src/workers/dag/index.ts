export type { CompiledPipeline, DagEngine } from './dag-engine.ts';
export type { HybridDagEngineOptions } from './hybrid-dag-engine.ts';
export { HybridDagEngine } from './hybrid-dag-engine.ts';
export { InlineDagEngine } from './inline-dag-engine.ts';
export type { ThreadedDagEngineOptions } from './threaded-dag-engine.ts';
