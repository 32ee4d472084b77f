import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../test-client.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('/docs leads to the reference, which asks nobody else for anything', async () => {
  const docs = await server.ask('GET', '/docs/');
  expect([docs.status, docs.headers.location]).toEqual([302, '/docs/api_reference.html']);
  const page = await server.ask('GET', '/docs/api_reference.html');
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  const links = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => String(link));
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) {
    expect(link).toMatch(/^\//);
    expect((await server.ask('GET', link)).status).toBe(200);
  }
});

test('documents are compressed where the client takes it, and not sent twice', async () => {
  const whole = await server.ask('GET', '/api/openapi.json');
  expect([whole.status, whole.headers['content-encoding'], whole.json()['openapi']]).toEqual([200, undefined, '3.1.0']);
  const zipped = await server.ask('GET', '/docs/assets/swagger-ui.css', { headers: { 'accept-encoding': 'gzip' } });
  expect([zipped.headers['content-encoding'], zipped.headers['content-type']]).toEqual(['gzip', 'text/css; charset=utf-8']);
  const again = await server.ask('GET', '/api/openapi.json', { headers: { 'if-none-match': String(whole.headers.etag) } });
  expect([again.status, again.text]).toEqual([304, '']);
});
