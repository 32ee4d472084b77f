/**
 * Image references, by the grammar of the distribution project (`[registry[:port]/]path[:tag][@digest]`) with Docker's
 * reading of short names: `busybox` is `docker.io/library/busybox`.
 */

export interface ImageReference {
  /** Host with its port: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** Path below the registry: `library/busybox`. */
  readonly repository: string;
  /** `latest` where neither a tag nor a digest was given. */
  readonly tag?: string;
  readonly digest?: string;
}

export type ParsedImageReference =
  | { readonly reference: ImageReference; readonly fault?: undefined }
  | { readonly reference?: undefined; readonly fault: string };

const DEFAULT_REGISTRY = 'docker.io';
const LEGACY_DEFAULT_REGISTRY = 'index.docker.io';
const OFFICIAL_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';
const NAME_LENGTH = 255;
/** No valid reference is longer: a name, a tag of 128 and the longest digest. */
const REFERENCE_LENGTH = 1_024;

const HOST_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REGISTRY = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const DIGEST_HEX_LENGTH: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);
const IMAGE_ID = /^[a-f0-9]{64}$/;

/** Reads a reference and fills in what Docker would assume. The fault is a clause that follows the quoted text. */
export function parseImageReference(text: string): ParsedImageReference {
  if (text === '') return { fault: 'is empty' };
  if (text.length > REFERENCE_LENGTH) return { fault: `is longer than ${REFERENCE_LENGTH} characters` };
  if (IMAGE_ID.test(text)) return { fault: 'is an image id, and ids cannot be pulled; use a name' };

  const at = text.indexOf('@');
  const named = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    return { fault: `has a malformed digest '${digest}'; a digest is an algorithm and hexadecimal, such as sha256:… with 64 digits` };
  }

  // A colon before the last slash belongs to a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    return { fault: `has a malformed tag '${tag}'; a tag is 1 to 128 characters of a-z, A-Z, 0-9, _, . and -, not starting with . or -` };
  }
  if (name === '') return { fault: 'has no name' };

  const { registry, repository } = splitRegistry(name);
  if (!REGISTRY.test(registry)) return { fault: `has a malformed registry '${registry}'; it is a host, or a host and a port` };
  if (registry.length + 1 + repository.length > NAME_LENGTH) return { fault: `has a name longer than ${NAME_LENGTH} characters` };
  for (const component of repository.split('/')) {
    if (PATH_COMPONENT.test(component)) continue;
    if (component === '') return { fault: 'has an empty path component' };
    const hint =
      component === component.toLowerCase()
        ? 'it is a-z and 0-9, parted by one ., one or two _, or any number of -'
        : 'it must be lower case';
    return { fault: `has a malformed path component '${component}'; ${hint}` };
  }
  return { reference: referenceOf(registry, repository, tag, digest) };
}

/** The whole reference, nothing left to assume: `docker.io/library/busybox:latest`. */
export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** The short spelling that Docker itself shows: `busybox:latest`. Must read as the same reference again. */
export function formatFamiliarImageReference(reference: ImageReference): string {
  const full = formatImageReference(reference);
  const { registry, repository } = reference;
  const [first = '', second, third] = repository.split('/');
  if (registry !== DEFAULT_REGISTRY || second === undefined || isRegistryComponent(first)) return full;
  const isOfficial = first === OFFICIAL_NAMESPACE && third === undefined;
  return full.slice(registry.length + 1 + (isOfficial ? first.length + 1 : 0));
}

function referenceOf(registry: string, repository: string, tag: string | undefined, digest: string | undefined): ImageReference {
  const effectiveTag = tag ?? (digest === undefined ? DEFAULT_TAG : undefined);
  return {
    registry,
    repository,
    ...(effectiveTag === undefined ? {} : { tag: effectiveTag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first component is a registry only if it cannot be a path component of Docker Hub. */
function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isRegistry = isRegistryComponent(first);
  const registry = isRegistry && first !== LEGACY_DEFAULT_REGISTRY ? first : DEFAULT_REGISTRY;
  const path = isRegistry ? name.slice(slash + 1) : name;
  return { registry, repository: registry === DEFAULT_REGISTRY && !path.includes('/') ? `${OFFICIAL_NAMESPACE}/${path}` : path };
}

function isRegistryComponent(first: string): boolean {
  return first === 'localhost' || /[.:[]/.test(first) || first !== first.toLowerCase();
}

function isDigest(text: string): boolean {
  if (!DIGEST.test(text)) return false;
  const [algorithm = '', hex = ''] = text.split(':');
  const length = DIGEST_HEX_LENGTH.get(algorithm);
  return length === undefined || (hex.length === length && hex === hex.toLowerCase());
}
