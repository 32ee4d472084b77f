import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authAddress, parseImageReference } from './image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseImageReference', () => {
  it.each([
    ['busybox', 'docker.io', 'busybox', 'latest'],
    ['busybox:1.36', 'docker.io', 'busybox', '1.36'],
    ['library/busybox', 'docker.io', 'library/busybox', 'latest'],
    ['docker.io/library/busybox:1', 'docker.io', 'docker.io/library/busybox', '1'],
    ['ghcr.io/org/app/part:v1', 'ghcr.io', 'ghcr.io/org/app/part', 'v1'],
    ['host:5000/a/b:tag', 'host:5000', 'host:5000/a/b', 'tag'],
    ['host:5000/a/b', 'host:5000', 'host:5000/a/b', 'latest'],
    ['localhost/a', 'localhost', 'localhost/a', 'latest'],
    ['user/app', 'docker.io', 'user/app', 'latest'],
    [`host:5000/a@${DIGEST}`, 'host:5000', 'host:5000/a', DIGEST],
    [`app:tag@${DIGEST}`, 'docker.io', 'app', DIGEST],
  ])('splits %s', (text, registry, name, tag) => {
    expect(parseImageReference(text)).toEqual({ registry, name, tag });
  });

  it('keeps name and tag whatever the registry', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    const registry = fc.constantFrom('', 'localhost/', 'localhost:5000/', 'registry.example.com/', 'host:80/');
    fc.assert(
      fc.property(registry, fc.array(part, { minLength: 1, maxLength: 4 }), part, (host, path, tag) => {
        const name = host + path.join('/');
        expect(parseImageReference(`${name}:${tag}`)).toMatchObject({ name, tag });
        expect(parseImageReference(name)).toMatchObject({ name, tag: 'latest' });
        expect(parseImageReference(name).registry).toBe(host === '' ? 'docker.io' : host.slice(0, -1));
      }),
    );
  });
});

describe('authAddress', () => {
  it('is what Docker keeps credentials under', () => {
    expect(authAddress('docker.io')).toBe('https://index.docker.io/v1/');
    expect(authAddress('host:5000')).toBe('host:5000');
  });
});
