import {
  DeployPipelineConfigResponse,
  GetDeploymentResponse,
  GetPipelineConfigResponse,
  GetPipelineResponse,
  ListDeploymentsResponse,
  ListPipelineConfigsResponse,
  ListPipelinesResponse,
  RegisterPipelineConfigRequest,
  RegisterPipelineConfigResponse,
  UpdatePipelineRequest,
} from '../messages.ts';
import type { RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const PIPELINES = '/api/namespaces/{namespace_id}/pipelines';
const PIPELINE = `${PIPELINES}/{pipeline_id}` as const;

export const PIPELINE_ROUTES = {
  list_pipelines: {
    method: 'GET',
    path: PIPELINES,
    kind: 'json',
    tag: 'Pipelines',
    summary: "List a namespace's pipelines",
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines'],
      anonymous: true,
    },
    query: PageQuery,
    status: 200,
    response: ListPipelinesResponse,
  },
  get_pipeline: {
    method: 'GET',
    path: PIPELINE,
    kind: 'json',
    tag: 'Pipelines',
    summary: 'Get a pipeline',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines'],
      anonymous: true,
    },
    status: 200,
    response: GetPipelineResponse,
  },
  update_pipeline: {
    method: 'PATCH',
    path: PIPELINE,
    kind: 'json',
    tag: 'Pipelines',
    summary: 'Enable or disable a pipeline',
    description: 'A disabled pipeline starts no new runs.',
    permission: { action: 'write', resources: ['namespaces', 'pipelines'] },
    body: UpdatePipelineRequest,
    status: 204,
  },
  delete_pipeline: {
    method: 'DELETE',
    path: PIPELINE,
    kind: 'json',
    tag: 'Pipelines',
    summary: 'Delete a pipeline with its configs, deployments, runs and logs',
    permission: { action: 'delete', resources: ['namespaces', 'pipelines'] },
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;

export const CONFIG_ROUTES = {
  list_configs: {
    method: 'GET',
    path: `${PIPELINE}/configs`,
    kind: 'json',
    tag: 'Configs',
    summary: "List a pipeline's configs, newest first",
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'configs'],
    },
    query: PageQuery,
    status: 200,
    response: ListPipelineConfigsResponse,
  },
  register_config: {
    method: 'POST',
    path: `${PIPELINE}/configs`,
    kind: 'json',
    tag: 'Configs',
    summary: 'Register a new config version',
    description: 'Creates the pipeline where there is none yet. A config with faults is refused with all of them at once.',
    permission: {
      action: 'write',
      resources: ['namespaces', 'pipelines', 'configs'],
    },
    body: RegisterPipelineConfigRequest,
    bodyCheck: 'service',
    expensive: true,
    status: 201,
    response: RegisterPipelineConfigResponse,
  },
  get_config: {
    method: 'GET',
    path: `${PIPELINE}/configs/{version}`,
    kind: 'json',
    tag: 'Configs',
    summary: 'Get a config version; 0 is the newest',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'configs'],
    },
    status: 200,
    response: GetPipelineConfigResponse,
  },
  deploy_config: {
    method: 'POST',
    path: `${PIPELINE}/configs/{version}`,
    kind: 'json',
    tag: 'Configs',
    summary: 'Make a config version the live one',
    permission: {
      action: 'write',
      resources: ['namespaces', 'pipelines', 'configs'],
    },
    status: 201,
    response: DeployPipelineConfigResponse,
  },
  delete_config: {
    method: 'DELETE',
    path: `${PIPELINE}/configs/{version}`,
    kind: 'json',
    tag: 'Configs',
    summary: 'Delete a config version that is neither live nor the newest',
    permission: {
      action: 'delete',
      resources: ['namespaces', 'pipelines', 'configs'],
    },
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;

export const DEPLOYMENT_ROUTES = {
  list_deployments: {
    method: 'GET',
    path: `${PIPELINE}/deployments`,
    kind: 'json',
    tag: 'Deployments',
    summary: "List a pipeline's deployments",
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'deployments'],
    },
    query: PageQuery,
    status: 200,
    response: ListDeploymentsResponse,
  },
  get_deployment: {
    method: 'GET',
    path: `${PIPELINE}/deployments/{deployment_id}`,
    kind: 'json',
    tag: 'Deployments',
    summary: 'Get a deployment',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'deployments'],
    },
    status: 200,
    response: GetDeploymentResponse,
  },
} as const satisfies Record<string, RouteDefinition>;
