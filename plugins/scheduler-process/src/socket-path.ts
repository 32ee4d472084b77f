/**
 * Where the supervisor of a data directory listens: inside it, or, where that path is too long for a socket address (108 bytes with its
 * terminator on Linux, 104 on macOS), in a directory of this user's own under /tmp by a hash of the data directory. It depends on nothing
 * that changes between two starts of a server.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

const MAX_PATH_BYTES = 103;

export function socketPath(dataDirectory: string): string {
  const inside = join(dataDirectory, 'supervisor.sock');
  if (Buffer.byteLength(inside) <= MAX_PATH_BYTES) return inside;
  const hash = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 32);
  return `/tmp/gofer-${process.getuid?.() ?? 0}/${hash}.sock`;
}
