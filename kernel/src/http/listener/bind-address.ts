import { GoferError } from '@gofer/contracts';

/** Of `host:port`, `[::1]:port` or `:port`, which is every address. `key` is its name in the configuration. Throws `CONFIG_INVALID`. */
export function splitBindAddress(address: string, key: string): { host: string | undefined; port: number } {
  const match = /^(\[[\da-fA-F:.]+\]|[^:]*):(\d{1,5})$/.exec(address);
  const [, host = '', port = ''] = match ?? [];
  if (match === null || Number(port) > 65_535) throw new GoferError('CONFIG_INVALID', `${key}: ${address} is not host:port.`);
  return { host: host === '' ? undefined : host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
