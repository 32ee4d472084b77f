import type { ExtensionObjects } from './extension.ts';
import { type Connection, requestGofer, segment, toObject } from './gofer-request.ts';
import { GoferRequestError } from './gofer-request-error.ts';

/** The objects that the server keeps for the extension of this id. */
export function createServerObjects(connection: Connection, extensionId: string): ExtensionObjects {
  const objects = `/api/extensions/${segment(extensionId, 'id of an extension')}/objects`;
  const pathOf = (key: string): string => `${objects}/${segment(key, 'key of an object')}`;
  return {
    async get(key) {
      try {
        return await requestGofer(connection, { method: 'GET', path: pathOf(key), headers: { accept: '*/*' } });
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async put(key, body) {
      const bytes = typeof body === 'string' ? body : new Uint8Array(body);
      const headers = { 'content-type': 'application/octet-stream' };
      await requestGofer(connection, { method: 'POST', path: `${pathOf(key)}?force=true`, headers, body: bytes });
    },
    async delete(key) {
      await requestGofer(connection, { method: 'DELETE', path: pathOf(key) });
    },
    async list() {
      const { objects: stored } = toObject(await requestGofer(connection, { method: 'GET', path: objects }));
      if (!Array.isArray(stored)) throw new GoferRequestError(0, 'UNAVAILABLE', 'Gofer answered without the list of objects.');
      return stored.map((object: { readonly key: string }) => object.key);
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof GoferRequestError && error.statusCode === 404 && error.errorCode === 'NOT_FOUND';
}
