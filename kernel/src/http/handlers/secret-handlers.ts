import type { SecretService } from '../../services/services.ts';
import type { JsonHandlers } from '../route-request.ts';
import { toPage, toPipelinePath } from './request-paths.ts';

export type SecretHandlers = Pick<
  JsonHandlers,
  | 'list_global_secrets'
  | 'put_global_secret'
  | 'get_global_secret'
  | 'delete_global_secret'
  | 'list_pipeline_secrets'
  | 'put_pipeline_secret'
  | 'get_pipeline_secret'
  | 'delete_pipeline_secret'
  | 'rotate_secret_key'
>;

export function createSecretHandlers(secrets: SecretService): SecretHandlers {
  return {
    list_global_secrets: async ({ query }) => ({ secrets: await secrets.listGlobal(toPage(query)) }),
    put_global_secret: async ({ body: { key, content, namespaces, force = false } }) => ({
      secret: await secrets.putGlobal({ key, content, force }, namespaces),
    }),
    get_global_secret: ({ path, query }) => secrets.getGlobal(path.key, query.include_secret),
    delete_global_secret: ({ path }) => secrets.deleteGlobal(path.key),

    list_pipeline_secrets: async ({ path, query }) => ({ secrets: await secrets.listOfPipeline(toPipelinePath(path), toPage(query)) }),
    put_pipeline_secret: async ({ path, body: { key, content, force = false } }) => ({
      secret: await secrets.putOfPipeline(toPipelinePath(path), { key, content, force }),
    }),
    get_pipeline_secret: ({ path, query }) => secrets.getOfPipeline(toPipelinePath(path), path.key, query.include_secret),
    delete_pipeline_secret: ({ path }) => secrets.deleteOfPipeline(toPipelinePath(path), path.key),

    rotate_secret_key: async (request) => ({ encrypted: await secrets.rotate(request.signal) }),
  };
}
