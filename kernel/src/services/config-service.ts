import { type Fault, GoferError } from '@gofer/contracts';
import type { Deployment, Pipeline, PipelineConfig } from '@gofer/contracts/api';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import { separatePasswords } from '../domain/index.ts';
import type { CompiledConfigs } from '../orchestrator/compiled-configs.ts';
import type { Store } from '../storage/store.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import { type Lookup, limitsOf } from './lookup.ts';
import type { ConfigService, Page, PipelinePath } from './services.ts';
import { toDeployment, toPipelineConfig } from './wire.ts';

export class StoredConfigService implements ConfigService {
  readonly #store: Store;
  readonly #lookup: Lookup;
  readonly #configs: CompiledConfigs;
  readonly #dag: DagEngine;
  readonly #secrets: SecretValues;
  readonly #now: () => number;

  constructor(parts: { store: Store; lookup: Lookup; configs: CompiledConfigs; dag: DagEngine; secrets: SecretValues; now: () => number }) {
    this.#store = parts.store;
    this.#lookup = parts.lookup;
    this.#configs = parts.configs;
    this.#dag = parts.dag;
    this.#secrets = parts.secrets;
    this.#now = parts.now;
  }

  async list(path: PipelinePath, page: Page): Promise<PipelineConfig[]> {
    const pipeline = this.#lookup.pipeline(path);
    return this.#store.configs.list(pipeline.uid, ...limitsOf(page)).map((record) => toPipelineConfig(pipeline, record));
  }

  async register(path: PipelinePath, input: unknown): Promise<Pipeline> {
    this.#lookup.namespace(path.namespaceId);
    const compiled = await this.#dag.compile(input);
    if (compiled.faults !== undefined)
      throw invalidPipeline(compiled.faults.map((fault) => ({ path: fault.path.replace(/^\$/, '$.config'), message: fault.message })));
    const { definition } = compiled;
    if (definition.id !== path.pipelineId) {
      throw invalidPipeline([
        { path: '$.config.id', message: `is '${definition.id}', but the address names pipeline '${path.pipelineId}'` },
      ]);
    }
    const { definition: stored, passwords } = separatePasswords(definition);
    const registered = await (Object.keys(passwords).length === 0
      ? this.#insert(path, stored, undefined)
      : this.#secrets.write(Buffer.from(JSON.stringify(passwords)), (credentials) => this.#insert(path, stored, credentials)));
    this.#configs.put(registered.pipeline.uid, registered.record.version, { ...compiled, definition: stored });
    return { metadata: registered.pipeline.metadata, config: toPipelineConfig(registered.pipeline, registered.record) };
  }

  #insert(path: PipelinePath, definition: PipelineDefinition, credentials: string | undefined) {
    const { pipelines, configs, events } = this.#store;
    return this.#store.commitAudited(() => {
      this.#lookup.namespace(path.namespaceId);
      const now = this.#now();
      if (pipelines.find(path.namespaceId, path.pipelineId) === undefined)
        pipelines.insert(uuidv7(), path.namespaceId, path.pipelineId, now);
      const pipeline = this.#lookup.pipeline(path);
      const version = configs.highestVersion(pipeline.uid) + 1;
      configs.insert(pipeline.uid, version, { definition, credentials }, now);
      this.#store.trail.add('version', version);
      if (credentials !== undefined) this.#secrets.adopt(credentials);
      events.emit('created_pipeline', { namespace_id: path.namespaceId, pipeline_id: path.pipelineId }, now);
      const record = {
        pipelineUid: pipeline.uid,
        version,
        definition,
        state: 'unreleased',
        registered: now,
        deprecated: 0,
        credentials,
      } as const;
      return { pipeline, record };
    });
  }

  /** Moves the passwords of registries that an earlier release stored in clear to the secret store. */
  async sealCredentials(): Promise<void> {
    const { configs, system } = this.#store;
    if (system.credentialsSealed()) return;
    for (const { pipelineUid, version, definition } of configs.withClearCredentials()) {
      const { definition: stored, passwords } = separatePasswords(definition);
      if (Object.keys(passwords).length === 0) continue;
      await this.#secrets.write(Buffer.from(JSON.stringify(passwords)), (credentials) =>
        this.#store.commit(() => {
          configs.replaceDefinition(pipelineUid, version, { definition: stored, credentials });
          this.#secrets.adopt(credentials);
        }),
      );
    }
    await this.#store.commit(() => system.markCredentialsSealed());
  }

  async get(path: PipelinePath, version: number): Promise<PipelineConfig> {
    const pipeline = this.#lookup.pipeline(path);
    return toPipelineConfig(pipeline, this.#lookup.config(pipeline, version));
  }

  async deploy(path: PipelinePath, version: number): Promise<Deployment> {
    const { configs, deployments, events } = this.#store;
    return this.#store.commitAudited(() => {
      const pipeline = this.#lookup.pipeline(path);
      const end = this.#lookup.config(pipeline, version).version;
      const now = this.#now();
      const live = configs.states(pipeline.uid).filter(({ state }) => state === 'live');
      const start = live[0]?.version ?? end;
      for (const earlier of live) configs.setState(pipeline.uid, earlier.version, 'deprecated', now);
      configs.setState(pipeline.uid, end, 'live', 0);
      const deploymentId = deployments.insert(pipeline.uid, start, end, now, now);
      const payload = { namespace_id: path.namespaceId, pipeline_id: path.pipelineId, start_version: start, end_version: end };
      events.emit('started_deployment', payload, now);
      events.emit('completed_deployment', payload, now);
      return toDeployment(pipeline, { deploymentId, startVersion: start, endVersion: end, started: now, ended: now });
    });
  }

  async delete(path: PipelinePath, version: number): Promise<void> {
    const { configs, runs } = this.#store;
    await this.#store.commitAudited(() => {
      const pipeline = this.#lookup.pipeline(path);
      const config = this.#lookup.config(pipeline, version);
      const refuse = (why: string): never => {
        throw new GoferError('FAILED_PRECONDITION', `Version ${config.version} of pipeline '${path.pipelineId}' ${why}`);
      };
      if (config.state === 'live') refuse('is live. Deploy another version first.');
      if (config.version === configs.highestVersion(pipeline.uid))
        refuse('is the newest one. Register another version first, or delete the pipeline.');
      if (runs.usesVersion(pipeline.uid, config.version)) refuse('belongs to runs that are kept.');
      configs.delete(pipeline.uid, config.version);
      if (config.credentials !== undefined) this.#secrets.letGo([config.credentials]);
    });
    this.#secrets.collect();
  }
}

function invalidPipeline(details: readonly Fault[]): GoferError {
  const [first] = details;
  const text =
    first === undefined ? '' : ` ${first.path}: ${first.message}${details.length > 1 ? ` (and ${details.length - 1} more)` : ''}`;
  return new GoferError('INVALID_ARGUMENT', `The pipeline cannot be registered.${text}`, { details });
}
