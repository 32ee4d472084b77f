/** Objects over plain HTTP: uploads and downloads as streams, the rest as JSON. */
import type { Context } from 'koa';
import type { ObjectOwner, ObjectService } from '../../services/services.ts';
import type { UploadBody } from '../request/upload-body.ts';
import type { JsonHandlers, RawHandlers, UploadHandlers } from '../route-request.ts';
import { answerBytes } from './byte-answer.ts';
import { toPage, toPipelinePath, toRunPath } from './request-paths.ts';

export type ObjectHandlers = UploadHandlers &
  Pick<RawHandlers, 'get_pipeline_object' | 'get_run_object' | 'get_extension_object'> &
  Pick<
    JsonHandlers,
    | 'list_pipeline_objects'
    | 'list_run_objects'
    | 'list_extension_objects'
    | 'delete_pipeline_object'
    | 'delete_run_object'
    | 'delete_extension_object'
  >;

export function createObjectHandlers(objects: ObjectService): ObjectHandlers {
  const download = async (owner: ObjectOwner, key: string, signal: AbortSignal, context: Context): Promise<void> => {
    const contents = await objects.get(owner, key);
    const { size, etag } = contents;
    // Whatever it holds, a browser must not run it.
    context.set('content-security-policy', "sandbox; default-src 'none'");
    await answerBytes(context, {
      size,
      etag,
      mediaType: 'application/octet-stream',
      what: 'object',
      open: (range) => contents.read(range, signal),
    });
  };
  const upload = async (owner: ObjectOwner, key: string, force: boolean, signal: AbortSignal, { pieces, size }: UploadBody) => ({
    object: await objects.put(owner, key, pieces, { force, signal, ...(size === undefined ? {} : { size }) }),
  });
  return {
    list_pipeline_objects: async ({ path, query }) => ({ objects: await objects.list(toPipelinePath(path), toPage(query)) }),
    get_pipeline_object: (request, context) => download(toPipelinePath(request.path), request.path.key, request.signal, context),
    put_pipeline_object: (request, body) =>
      upload(toPipelinePath(request.path), request.path.key, request.query.force, request.signal, body),
    delete_pipeline_object: ({ path }) => objects.delete(toPipelinePath(path), path.key),

    list_run_objects: async ({ path, query }) => ({ objects: await objects.list(toRunPath(path), toPage(query)) }),
    get_run_object: (request, context) => download(toRunPath(request.path), request.path.key, request.signal, context),
    put_run_object: (request, body) => upload(toRunPath(request.path), request.path.key, request.query.force, request.signal, body),
    delete_run_object: ({ path }) => objects.delete(toRunPath(path), path.key),

    list_extension_objects: async ({ path, query }) => ({ objects: await objects.list({ extensionId: path.extension_id }, toPage(query)) }),
    get_extension_object: (request, context) =>
      download({ extensionId: request.path.extension_id }, request.path.key, request.signal, context),
    put_extension_object: (request, body) =>
      upload({ extensionId: request.path.extension_id }, request.path.key, request.query.force, request.signal, body),
    delete_extension_object: ({ path }) => objects.delete({ extensionId: path.extension_id }, path.key),
  };
}
