export { InlineDagEngine } from './inline-dag-engine.ts';
export type { CompiledPipeline, DagEngine } from './dag-engine.ts';
