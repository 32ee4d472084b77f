/** Values that Gofer looks up when a task starts, to be used as the whole value of a variable or of registry credentials. */
import { checkText, quote } from './identifier.ts';
import { PipelineError } from './pipeline-error.ts';

/** A secret of this pipeline: `gofer secret pipeline put PIPELINE KEY`. */
export function pipelineSecret<const Key extends string>(key: Key): `pipeline_secret{{${Key}}}` {
  return `pipeline_secret{{${checkSecretKey(key)}}}`;
}

/** A secret that the administrator shares with this namespace: `gofer secret global put KEY`. */
export function globalSecret<const Key extends string>(key: Key): `global_secret{{${Key}}}` {
  return `global_secret{{${checkSecretKey(key)}}}`;
}

/** An object of this pipeline, kept between runs: `gofer pipeline object put PIPELINE KEY`. */
export function pipelineObject<const Key extends string>(key: Key): `pipeline_object{{${Key}}}` {
  return `pipeline_object{{${checkObjectKey(key)}}}`;
}

/** An object of the same run, such as one that an earlier task has put. */
export function runObject<const Key extends string>(key: Key): `run_object{{${Key}}}` {
  return `run_object{{${checkObjectKey(key)}}}`;
}

function checkSecretKey<Key extends string>(key: Key): Key {
  if (/^[a-zA-Z0-9_-]{1,63}$/.test(checkText(key, 'a secret key'))) return key;
  throw new PipelineError(`${quote(key)} is not a secret key: use 1 to 63 letters, digits, hyphens and underscores`);
}

function checkObjectKey<Key extends string>(key: Key): Key {
  const bytes = new TextEncoder().encode(checkText(key, 'an object key')).byteLength;
  if (bytes < 1 || bytes > 1024) throw new PipelineError(`an object key has 1 to 1024 bytes, this one ${bytes}`);
  // The reference ends at the first braces, and what is looked up is trimmed.
  if (key.includes('}}') || key.endsWith('}') || key.trim() !== key) {
    throw new PipelineError(`the object key ${quote(key)} cannot be referred to: it has "}}", or white space or "}" at its end`);
  }
  return key;
}
