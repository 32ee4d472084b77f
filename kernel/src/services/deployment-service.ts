import { GoferError } from '@gofer/contracts';
import type { Deployment } from '@gofer/contracts/api';
import type { Store } from '../storage/store.ts';
import { type Lookup, limitsOf } from './lookup.ts';
import type { DeploymentService, Page, PipelinePath } from './services.ts';
import { toDeployment } from './wire.ts';

export class StoredDeploymentService implements DeploymentService {
  readonly #store: Store;
  readonly #lookup: Lookup;

  constructor(store: Store, lookup: Lookup) {
    this.#store = store;
    this.#lookup = lookup;
  }

  async list(path: PipelinePath, page: Page): Promise<Deployment[]> {
    const pipeline = this.#lookup.pipeline(path);
    return this.#store.deployments.list(pipeline.uid, ...limitsOf(page)).map((record) => toDeployment(pipeline, record));
  }

  async get(path: PipelinePath, deploymentId: number): Promise<Deployment> {
    const pipeline = this.#lookup.pipeline(path);
    const record = this.#store.deployments.find(pipeline.uid, deploymentId);
    if (record === undefined) throw new GoferError('NOT_FOUND', `Pipeline '${path.pipelineId}' has no deployment ${deploymentId}.`);
    return toDeployment(pipeline, record);
  }
}
