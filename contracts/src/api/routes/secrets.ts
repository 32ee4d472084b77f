import * as Type from 'typebox';
import {
  GetGlobalSecretResponse,
  GetPipelineSecretResponse,
  ListGlobalSecretsResponse,
  ListPipelineSecretsResponse,
  PutGlobalSecretRequest,
  PutGlobalSecretResponse,
  PutPipelineSecretRequest,
  PutPipelineSecretResponse,
  RotateSecretKeyResponse,
} from '../messages.ts';
import type { Action, Resource, RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const PIPELINE_SECRETS = '/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/secrets';
const GLOBAL_SECRETS = '/api/secrets/global';

const ofPipeline = <const A extends Action>(action: A) => ({
  action,
  resources: ['namespaces', 'pipelines', 'secrets'] as readonly Resource[],
});

const GetQuery = Type.Object({
  include_secret: Type.Boolean({ default: false, description: 'Answer with the value too' }),
});
const PUT = 'A key that is taken is refused with 409, unless `force` is set. Tasks that run keep the value that they were given.';

export const SECRET_ROUTES = {
  list_global_secrets: {
    method: 'GET',
    path: GLOBAL_SECRETS,
    kind: 'json',
    tag: 'Secrets',
    summary: 'List the global secrets, without their values',
    permission: 'admin',
    query: PageQuery,
    status: 200,
    response: ListGlobalSecretsResponse,
  },
  put_global_secret: {
    method: 'POST',
    path: GLOBAL_SECRETS,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Store a global secret',
    description: PUT,
    permission: 'admin',
    body: PutGlobalSecretRequest,
    audit: { body: ['key', 'namespaces'] },
    status: 201,
    response: PutGlobalSecretResponse,
  },
  get_global_secret: {
    method: 'GET',
    path: `${GLOBAL_SECRETS}/{key}`,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Get a global secret',
    permission: 'admin',
    query: GetQuery,
    audit: { when: 'include_secret' },
    status: 200,
    response: GetGlobalSecretResponse,
  },
  delete_global_secret: {
    method: 'DELETE',
    path: `${GLOBAL_SECRETS}/{key}`,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Delete a global secret',
    description: 'Succeeds where there is none.',
    permission: 'admin',
    status: 204,
  },
  list_pipeline_secrets: {
    method: 'GET',
    path: PIPELINE_SECRETS,
    kind: 'json',
    tag: 'Secrets',
    summary: "List a pipeline's secrets, without their values",
    permission: ofPipeline('read'),
    query: PageQuery,
    status: 200,
    response: ListPipelineSecretsResponse,
  },
  put_pipeline_secret: {
    method: 'POST',
    path: PIPELINE_SECRETS,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Store a secret of a pipeline',
    description: PUT,
    permission: ofPipeline('write'),
    body: PutPipelineSecretRequest,
    audit: { body: ['key'] },
    status: 201,
    response: PutPipelineSecretResponse,
  },
  get_pipeline_secret: {
    method: 'GET',
    path: `${PIPELINE_SECRETS}/{key}`,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Get a secret of a pipeline',
    permission: ofPipeline('read'),
    query: GetQuery,
    audit: { when: 'include_secret' },
    status: 200,
    response: GetPipelineSecretResponse,
  },
  delete_pipeline_secret: {
    method: 'DELETE',
    path: `${PIPELINE_SECRETS}/{key}`,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Delete a secret of a pipeline',
    description: 'Succeeds where there is none.',
    permission: ofPipeline('delete'),
    status: 204,
  },
  rotate_secret_key: {
    method: 'POST',
    path: '/api/secrets/rotation',
    expensive: true,
    kind: 'json',
    tag: 'Secrets',
    summary: 'Encrypt every stored value anew with the key that is configured now',
    description:
      'Answers when all of them are. Secrets are read and written meanwhile as ever; a rotation that was interrupted is taken up by the next.',
    permission: 'admin',
    status: 200,
    response: RotateSecretKeyResponse,
  },
} as const satisfies Record<string, RouteDefinition>;
