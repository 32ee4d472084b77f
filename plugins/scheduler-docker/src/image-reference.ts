/**
 * Image references, split as Docker splits them: the first component is a registry if it has a dot or a colon or is `localhost`
 * (https://github.com/distribution/reference). Without a tag and a digest the tag is `latest`: the engine would pull all of them.
 */

export interface ImageReference {
  /** As `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** What the engine is given to pull: registry and path without tag and digest, as the user wrote them. */
  readonly name: string;
  /** A tag, or a digest as `sha256:…`, which wins over a tag. */
  readonly tag: string;
}

const DOCKER_HUB = 'docker.io';

export function parseImageReference(text: string): ImageReference {
  const at = text.indexOf('@');
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  // A colon behind the last slash begins a tag; one before it a port.
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = at === -1 ? (colon === -1 ? 'latest' : beforeDigest.slice(colon + 1)) : text.slice(at + 1);
  return { registry: registryOf(name), name, tag };
}

/** What Docker calls the registry in credentials. */
export function authAddress(registry: string): string {
  return registry === DOCKER_HUB ? 'https://index.docker.io/v1/' : registry;
}

function registryOf(name: string): string {
  const slash = name.indexOf('/');
  if (slash === -1) return DOCKER_HUB;
  const first = name.slice(0, slash);
  if (first === 'index.docker.io') return DOCKER_HUB;
  return first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase() ? first : DOCKER_HUB;
}
