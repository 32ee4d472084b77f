import { GoferError } from '@gofer/contracts';
import type { StoredObject } from '@gofer/contracts/api';
import type { Download } from '../api/download.ts';
import type { GoferClient } from '../api/gofer-client.ts';
import type { UploadBody } from '../api/send-body.ts';
import { toSafeLine } from '../output/sanitise.ts';

interface PipelinePath {
  readonly namespace_id: string;
  readonly pipeline_id: string;
}

/** Where objects are kept: with a pipeline, or with one of its runs. */
export interface Shelf {
  list(): Promise<StoredObject[]>;
  open(key: string, signal: AbortSignal): Promise<Download>;
  put(key: string, body: UploadBody, options: { force: boolean; signal: AbortSignal }): Promise<StoredObject>;
  delete(key: string): Promise<void>;
}

export function pipelineShelf(client: GoferClient, of: PipelinePath): Shelf {
  return {
    list: async () => (await client.call('list_pipeline_objects', { path: of })).objects,
    open: (key, signal) => client.bytes('get_pipeline_object', { path: { ...of, key } }, { signal }),
    async put(key, { source, ...body }, { force, signal }) {
      const call = { path: { ...of, key }, query: { force } };
      return (await client.upload('put_pipeline_object', call, source, { ...body, signal })).object;
    },
    delete: (key) => client.call('delete_pipeline_object', { path: { ...of, key } }),
  };
}

export function runShelf(client: GoferClient, of: PipelinePath & { readonly run_id: number }): Shelf {
  return {
    list: async () => (await client.call('list_run_objects', { path: of })).objects,
    open: (key, signal) => client.bytes('get_run_object', { path: { ...of, key } }, { signal }),
    async put(key, { source, ...body }, { force, signal }) {
      const call = { path: { ...of, key }, query: { force } };
      return (await client.upload('put_run_object', call, source, { ...body, signal })).object;
    },
    delete: (key) => client.call('delete_run_object', { path: { ...of, key } }),
  };
}

/** Rejects with `NOT_FOUND` where it is not there; `where` names the shelf then. */
export async function findObject(shelf: Shelf, key: string, where: string): Promise<StoredObject> {
  const found = (await shelf.list()).find((object) => object.key === key);
  if (found !== undefined) return found;
  throw new GoferError('NOT_FOUND', `${where} has no object '${toSafeLine(key)}'`);
}
