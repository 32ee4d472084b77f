import { expect, test } from 'vitest';
import { WebPageGuard } from './web-page-guard.ts';

test("the public address's host is let in, with its page", () => {
  const guard = new WebPageGuard({ url: 'https://gofer.example.com:8443/', origins: [] });
  expect(() => guard.check('gofer.example.com', undefined)).not.toThrow();
  expect(() => guard.check('GOFER.example.com:8443', undefined)).not.toThrow();
  expect(() => guard.check('gofer.example.com:8443', 'https://gofer.example.com:8443')).not.toThrow();
  expect(() => guard.check('gofer.example.com.evil.example', undefined)).toThrow('answers only under a loopback name');
  expect(() => guard.check('gofer.example.com:8443', 'https://evil.example')).toThrow('may not use this server');
});

test('more hosts than are remembered are still told apart', () => {
  const guard = new WebPageGuard({ origins: [] });
  for (let port = 1; port <= 200; port++) expect(() => guard.check(`localhost:${port}`, undefined)).not.toThrow();
  expect(() => guard.check('evil.example', undefined)).toThrow('answers only under a loopback name');
});
