import { describe, expect, test } from 'vitest';
import { toApiRequest } from './index.ts';

const OBJECT = { namespace_id: 'default', pipeline_id: 'simple' };

describe('a request for bytes', () => {
  test('carries the media type of what it sends, and no body of its own', () => {
    const request = toApiRequest('put_pipeline_object', { path: { ...OBJECT, key: 'a/b' }, query: { force: true } });
    expect(request).toEqual({
      method: 'POST',
      target: '/api/namespaces/default/pipelines/simple/objects/a%2Fb?force=true',
      headers: { 'gofer-api-version': 'v0', accept: 'application/json', 'content-type': 'application/octet-stream' },
    });
  });

  test('takes any media type', () => {
    expect(toApiRequest('get_pipeline_object', { path: { ...OBJECT, key: 'a' } }).headers).toMatchObject({ accept: '*/*' });
  });
});

test.each(['.', '..'])('a request never climbs by %j', (key) => {
  expect(() => toApiRequest('delete_pipeline_object', { path: { ...OBJECT, key } })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});
