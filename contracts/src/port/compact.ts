/** What is about to be cloned: a view on part of a buffer would be cloned with the whole buffer. Bytes stand alone or in a field `bytes`. */
export function compact(value: unknown): unknown {
  if (value instanceof Uint8Array) return compactBytes(value);
  if (typeof value !== 'object' || value === null || !('bytes' in value) || !(value.bytes instanceof Uint8Array)) return value;
  const bytes = compactBytes(value.bytes);
  return bytes === value.bytes ? value : { ...value, bytes };
}

/** A `Buffer` is cloned as the `Uint8Array` that it is. */
function compactBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
