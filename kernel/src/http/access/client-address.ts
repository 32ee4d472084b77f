/**
 * Where a request comes from. Behind a reverse proxy the connection is the proxy's, which says in headers whom it speaks for; anybody
 * can send such headers, so they are believed of proxies that are configured, and of nobody else.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

/** What is needed of a request; its socket is a `TLSSocket` where the connection is encrypted. */
export type AddressedRequest = Pick<IncomingMessage, 'headers'> & {
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
};

const MAPPED = '::ffff:';
const MAPPED_BITS = 96;

export class TrustedProxies {
  readonly #networks = new BlockList();
  readonly isEmpty: boolean;

  /** Addresses or networks (`10.0.0.0/8`), which the configuration has checked. */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  /** `address` as `plainAddress` gives it. */
  has(address: string): boolean {
    return !this.isEmpty && this.#networks.check(address, familyOf(address));
  }

  #add(network: string): void {
    const [written = '', bits] = network.split('/');
    const address = plainAddress(written);
    if (address === undefined) throw new RangeError(`${network} is neither an address nor a network`);
    const family = familyOf(address);
    const folded = isIPv6(written) && family === 'ipv4';
    const longest = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? longest : Number(bits) - (folded ? MAPPED_BITS : 0);
    // Wider than the addresses that carry IPv4.
    if (prefix < 0) this.#networks.addSubnet(`${MAPPED}${address}`, Number(bits), 'ipv6');
    else this.#networks.addSubnet(address, prefix, family);
  }
}

/** The connection's address or, behind trusted proxies, the last one on the way that is none of them. */
export function clientAddress(request: AddressedRequest, proxies: TrustedProxies): string {
  const peer = request.socket.remoteAddress;
  let nearest = peer === undefined ? undefined : plainAddress(peer);
  // The connection has ended meanwhile.
  if (nearest === undefined) return 'unknown';
  if (!proxies.has(nearest)) return nearest;
  for (const hop of listOf(request.headers['x-forwarded-for']).reverse()) {
    const address = plainAddress(withoutPort(hop));
    // What the last proxy that is trusted did not write as an address says nothing of where it came from.
    if (address === undefined) return nearest;
    nearest = address;
    if (!proxies.has(address)) return nearest;
  }
  return nearest;
}

/** Whether the client's own connection is encrypted: this one, or by the word of a trusted proxy the one before it. */
export function isSecure(request: AddressedRequest, proxies: TrustedProxies): boolean {
  if (request.socket.encrypted === true) return true;
  if (proxies.isEmpty) return false;
  const peer = plainAddress(request.socket.remoteAddress ?? '');
  if (peer === undefined || !proxies.has(peer)) return false;
  return listOf(request.headers['x-forwarded-proto']).at(-1)?.toLowerCase() === 'https';
}

/** One spelling for each address: no zone, IPv4 in its own form where IPv6 carries it. Undefined where it is none. */
export function plainAddress(text: string): string | undefined {
  const address = text.split('%', 1)[0] ?? '';
  const family = isIP(address);
  if (family !== 6) return family === 4 ? address : undefined;
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  return canonical.startsWith(MAPPED) && canonical.includes('.') ? canonical.slice(MAPPED.length) : canonical;
}

/** What counts as one client: of IPv6 the network of 64 bits, in one spelling, since all of it is one client's; else the address. */
export function clientNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = '', right] = address.split('::');
  const groups = left === '' ? [] : left.split(':');
  const following = right === undefined || right === '' ? [] : right.split(':');
  // An address that carries IPv4 at its end has that in the place of two groups.
  const length = groups.length + following.length + (address.includes('.') ? 1 : 0);
  const all = right === undefined ? groups : [...groups, ...Array.from({ length: 8 - length }, () => '0'), ...following];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Several headers of one name count as one (RFC 9110 §5.3). */
function listOf(header: string | readonly string[] | undefined): string[] {
  if (header === undefined) return [];
  const text = typeof header === 'string' ? header : header.join(',');
  return text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
}
