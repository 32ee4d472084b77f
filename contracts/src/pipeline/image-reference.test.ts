import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFamiliarImageReference, formatImageReference, parseImageReference } from './image-reference.ts';

const SHA256 = `sha256:${'0123456789abcdef'.repeat(4)}`;

function full(text: string): string {
  const { reference, fault } = parseImageReference(text);
  return reference === undefined ? `fault: ${fault}` : formatImageReference(reference);
}

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['library/busybox', 'docker.io/library/busybox:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['index.docker.io/a/b', 'docker.io/a/b:latest'],
  ['gofer-test/busybox:latest', 'docker.io/gofer-test/busybox:latest'],
  ['ghcr.io/a/b/c', 'ghcr.io/a/b/c:latest'],
  ['localhost/a', 'localhost/a:latest'],
  ['host:5000/a', 'host:5000/a:latest'],
  [`host:5000/a/b:tag@${SHA256}`, `host:5000/a/b:tag@${SHA256}`],
  [`busybox@${SHA256}`, `docker.io/library/busybox@${SHA256}`],
  ['[::1]:5000/a:b', '[::1]:5000/a:b'],
  ['Upper/a', 'Upper/a:latest'],
  ['a__b/c.d-e---f_g', 'docker.io/a__b/c.d-e---f_g:latest'],
  [`a:${'t'.repeat(128)}`, `docker.io/library/a:${'t'.repeat(128)}`],
])('%s is %s', (text, expected) => {
  expect(full(text)).toBe(expected);
});

test.each([
  '',
  ' busybox',
  'busybox ',
  'Busybox',
  'a/B',
  'a//b',
  '/a',
  'a/',
  'a:',
  ':tag',
  'a:-tag',
  `a:${'t'.repeat(129)}`,
  'a@',
  'a@sha256:abc',
  `a@${SHA256.toUpperCase().replace('SHA', 'sha')}`,
  `${SHA256}@`,
  'a___b',
  'a..b',
  '-a',
  'a-',
  'a_',
  'host:port/a',
  'https://ghcr.io/a',
  'host:5000/a:b:c',
  'a\nb',
  '../../etc',
  'f'.repeat(64),
])('%j is refused', (text) => {
  expect(full(text)).toMatch(/^fault: ./);
});

test('a name without a slash is no registry, even where it looks like a host and a port', () => {
  expect(full('host:5000')).toBe('docker.io/library/host:5000');
});

test('length is bounded', () => {
  expect(full('x'.repeat(236))).toMatch(/:latest$/);
  expect(full('x'.repeat(256))).toBe('fault: has a name longer than 255 characters');
  expect(full('y'.repeat(100_000))).toBe('fault: is longer than 1024 characters');
});

test('a valid reference, written out, reads as itself, in both spellings', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}$/);
  const registry = fc.constantFrom('', 'docker.io/', 'ghcr.io/', 'localhost/', 'host:5000/', '127.0.0.1:443/');
  const tag = fc.constantFrom('', ':latest', ':1.2.3', ':A_b-c.d');
  const digest = fc.constantFrom('', `@${SHA256}`);
  fc.assert(
    fc.property(registry, fc.array(component, { minLength: 1, maxLength: 4 }), tag, digest, (host, path, version, hash) => {
      // Without a registry, a first component with a dot would be read as one.
      const { reference } = parseImageReference((path.length > 1 && host === '' ? 'docker.io/' : host) + path.join('/') + version + hash);
      expect(reference).toBeDefined();
      if (reference === undefined) return;
      expect(parseImageReference(formatImageReference(reference)).reference).toEqual(reference);
      expect(parseImageReference(formatFamiliarImageReference(reference)).reference).toEqual(reference);
    }),
  );
});

test('no text makes it throw or take long', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => void parseImageReference(text)));
  const began = performance.now();
  for (const unit of ['a_', 'a-', 'a.', 'a/', '-', '_']) parseImageReference(unit.repeat(400));
  expect(performance.now() - began).toBeLessThan(1_000);
});
