import * as Type from 'typebox';
import { ListPipelineObjectsResponse, ListRunObjectsResponse, PutPipelineObjectResponse, PutRunObjectResponse } from '../messages.ts';
import type { Action, Resource, RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const PIPELINE_OBJECTS = '/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/objects';
const RUN_OBJECTS = '/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/runs/{run_id}/objects';

const ofPipeline = <const A extends Action>(action: A) => ({
  action,
  resources: ['namespaces', 'pipelines', 'objects'] as readonly Resource[],
});
const ofRun = <const A extends Action>(action: A) => ({
  action,
  resources: ['namespaces', 'pipelines', 'runs', 'objects'] as readonly Resource[],
});

const PutQuery = Type.Object({
  force: Type.Boolean({ default: false, description: 'Replace the object where there is one' }),
});
const DOWNLOAD = 'Takes `Range` (one range), `If-Range` and `If-None-Match`; `HEAD` answers with size and entity tag.';
const UPLOAD =
  'The body is the object, byte for byte, whatever its media type. What is there is replaced only once the whole body has arrived and is kept.';

/** The keys of objects are any UTF-8 of 1 to 1,024 bytes but `.` and `..`, percent-encoded in the path. */
export const OBJECT_ROUTES = {
  list_pipeline_objects: {
    method: 'GET',
    path: PIPELINE_OBJECTS,
    kind: 'json',
    tag: 'Objects',
    summary: "List a pipeline's objects, oldest first",
    permission: ofPipeline('read'),
    query: PageQuery,
    status: 200,
    response: ListPipelineObjectsResponse,
  },
  get_pipeline_object: {
    method: 'GET',
    path: `${PIPELINE_OBJECTS}/{key}`,
    kind: 'raw',
    tag: 'Objects',
    summary: 'Download an object of a pipeline',
    description: DOWNLOAD,
    permission: ofPipeline('read'),
    mediaType: 'application/octet-stream',
    status: 200,
  },
  put_pipeline_object: {
    method: 'POST',
    path: `${PIPELINE_OBJECTS}/{key}`,
    kind: 'upload',
    expensive: true,
    tag: 'Objects',
    summary: 'Upload an object of a pipeline',
    description: `${UPLOAD} Above \`object_store.pipeline_object_limit\` the oldest object of the pipeline is removed.`,
    permission: ofPipeline('write'),
    query: PutQuery,
    status: 201,
    response: PutPipelineObjectResponse,
  },
  delete_pipeline_object: {
    method: 'DELETE',
    path: `${PIPELINE_OBJECTS}/{key}`,
    kind: 'json',
    tag: 'Objects',
    summary: 'Delete an object of a pipeline',
    description: 'Succeeds where there is none.',
    permission: ofPipeline('delete'),
    status: 204,
  },
  list_run_objects: {
    method: 'GET',
    path: RUN_OBJECTS,
    kind: 'json',
    tag: 'Objects',
    summary: "List a run's objects, oldest first",
    description: 'Those of a run that is more than `object_store.run_object_expiry` runs old have expired: 410.',
    permission: ofRun('read'),
    query: PageQuery,
    status: 200,
    response: ListRunObjectsResponse,
  },
  get_run_object: {
    method: 'GET',
    path: `${RUN_OBJECTS}/{key}`,
    kind: 'raw',
    tag: 'Objects',
    summary: 'Download an object of a run',
    description: DOWNLOAD,
    permission: ofRun('read'),
    mediaType: 'application/octet-stream',
    status: 200,
  },
  put_run_object: {
    method: 'POST',
    path: `${RUN_OBJECTS}/{key}`,
    kind: 'upload',
    expensive: true,
    tag: 'Objects',
    summary: 'Upload an object of a run',
    description: UPLOAD,
    permission: ofRun('write'),
    query: PutQuery,
    status: 201,
    response: PutRunObjectResponse,
  },
  delete_run_object: {
    method: 'DELETE',
    path: `${RUN_OBJECTS}/{key}`,
    kind: 'json',
    tag: 'Objects',
    summary: 'Delete an object of a run',
    description: 'Succeeds where there is none.',
    permission: ofRun('delete'),
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
