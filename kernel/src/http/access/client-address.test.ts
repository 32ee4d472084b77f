import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AddressedRequest, clientAddress, isSecure, plainAddress, TrustedProxies } from './client-address.ts';

const request = (remoteAddress: string | undefined, headers: Record<string, string> = {}, encrypted = false): AddressedRequest => ({
  socket: { remoteAddress, encrypted },
  headers,
});
const NONE = new TrustedProxies([]);
const TEN = new TrustedProxies(['10.0.0.0/8', 'fd00::/8']);
const forwarded = (...hops: string[]) => ({ 'x-forwarded-for': hops.join(', ') });

const trusted = fc.oneof(
  fc.ipV4().map((address) => address.replace(/^\d+/, '10')),
  fc.ipV4().map((address) => `::ffff:${address.replace(/^\d+/, '10')}`),
  fc.nat({ max: 0xffff }).map((last) => `fd00::${last.toString(16)}`),
);
const stranger = fc.oneof(
  fc.ipV4().map((address) => address.replace(/^\d+/, '203')),
  fc.nat({ max: 0xffff }).map((last) => `2001:db8::${last.toString(16)}`),
);
/** Whatever a client may write before the first proxy adds to it. */
const forged = fc.array(fc.oneof(trusted, stranger, fc.string()), { maxLength: 4 });
const spelled = (address: string) =>
  fc.constantFrom(address, address.includes(':') ? `[${address}]` : address, `${address.includes(':') ? `[${address}]` : address}:4711`);

describe('the address of a client', () => {
  test('without trusted proxies it is that of the connection, whatever the headers say', () => {
    fc.assert(
      fc.property(fc.oneof(trusted, stranger), forged, (peer, hops) => {
        expect(clientAddress(request(peer, forwarded(...hops)), NONE)).toBe(plainAddress(peer));
      }),
    );
    fc.assert(
      fc.property(stranger, forged, (peer, hops) => {
        expect(clientAddress(request(peer, forwarded(...hops)), TEN)).toBe(plainAddress(peer));
      }),
    );
  });

  test('behind any number of trusted proxies it is whom the first of them has spoken to, whatever that one has forged', () => {
    const chain = fc.record({ peer: trusted, client: stranger, written: forged, hops: fc.array(trusted, { maxLength: 3 }) });
    fc.assert(
      fc.property(
        chain.chain((each) => fc.tuple(fc.constant(each), spelled(each.client))),
        ([{ peer, client, written, hops }, spelling]) => {
          const headers = forwarded(...written, spelling, ...hops);
          expect(clientAddress(request(peer, headers), TEN)).toBe(plainAddress(client));
        },
      ),
    );
  });

  test('where the proxies have written nothing that can be read it is the last one that can', () => {
    expect(clientAddress(request('10.0.0.1'), TEN)).toBe('10.0.0.1');
    expect(clientAddress(request('10.0.0.1', forwarded('unknown')), TEN)).toBe('10.0.0.1');
    expect(clientAddress(request('10.0.0.1', forwarded('203.0.113.1', '_hidden', '10.0.0.2')), TEN)).toBe('10.0.0.2');
    expect(clientAddress(request('10.0.0.1', forwarded('10.0.0.3', '10.0.0.2')), TEN)).toBe('10.0.0.3');
    expect(clientAddress(request('10.0.0.1', { 'x-forwarded-for': ' , ,,' }), TEN)).toBe('10.0.0.1');
    expect(clientAddress(request(undefined, forwarded('203.0.113.1')), TEN)).toBe('unknown');
  });
});

test('one address has one spelling', () => {
  expect(['::FFFF:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:127.0.0.1', '127.0.0.1'].map(plainAddress)).toEqual(
    Array.from({ length: 4 }, () => '127.0.0.1'),
  );
  expect(plainAddress('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
  expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
  expect(['', 'localhost', '127.1', '1.2.3.4:5', '[::1]', '1.2.3.4/8'].map(plainAddress)).toEqual(
    Array.from({ length: 6 }, () => undefined),
  );
});

test('networks hold what they say, in either family', () => {
  const proxies = new TrustedProxies(['192.0.2.7', '10.9.9.9/8', '::ffff:172.16.0.0/108', 'fd12::/16', '::1']);
  for (const address of ['192.0.2.7', '10.255.0.1', '172.31.0.1', 'fd12::9', '::1'])
    expect([address, proxies.has(address)]).toEqual([address, true]);
  for (const address of ['192.0.2.8', '11.0.0.1', '172.32.0.1', 'fd13::9', '::2', '127.0.0.1'])
    expect([address, proxies.has(address)]).toEqual([address, false]);
  const all = new TrustedProxies(['0.0.0.0/0', '::/0']);
  expect(all.has('203.0.113.1') && all.has('2001:db8::1')).toBe(true);
});

describe('whether the connection of a client is secure', () => {
  const https = { 'x-forwarded-proto': 'https' };
  test('by itself, or by the word of a proxy that is trusted', () => {
    expect(isSecure(request('203.0.113.1', {}, true), NONE)).toBe(true);
    expect(isSecure(request('10.0.0.1', { 'x-forwarded-proto': 'http' }, true), TEN)).toBe(true);
    expect(isSecure(request('::ffff:10.0.0.1', https), TEN)).toBe(true);
    expect(isSecure(request('10.0.0.1', { 'x-forwarded-proto': 'HTTPS' }), TEN)).toBe(true);
  });

  test('and by nobody else', () => {
    expect(isSecure(request('10.0.0.1', https), NONE)).toBe(false);
    expect(isSecure(request('203.0.113.1', https), TEN)).toBe(false);
    expect(isSecure(request(undefined, https), TEN)).toBe(false);
    expect(isSecure(request('10.0.0.1'), TEN)).toBe(false);
    expect(isSecure(request('10.0.0.1', { 'x-forwarded-proto': 'https, http' }), TEN)).toBe(false);
  });
});
