/** The two routes outside of the API's table that answer everybody: for probes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer } from './access-server.ts';

describe('probes', () => {
  let server: AccessServer;
  beforeAll(async () => {
    server = await AccessServer.start();
  });
  afterAll(() => server.close());

  it.each(['/healthz', '/readyz'])('%s answers whoever asks, whatever credentials come with it, by GET and by HEAD only', async (path) => {
    for (const sent of [{}, { token: 'gofer_wrong' }, { cookie: 'wrong' }]) {
      for (const method of ['GET', 'HEAD']) expect((await server.call(method, path, sent)).status, `${method} ${path}`).toBe(200);
      expect((await server.call('POST', path, sent)).status).toBe(405);
    }
  });
});
