/** Makes a certificate authority of the server's own, and certificates by it. Loads its library, so import it where it is needed only. */
// What the library is made with looks for metadata of decorators, which this brings.
import 'reflect-metadata';
import { randomBytes, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert } from '@peculiar/asn1-schema';
import { GeneralName, GeneralSubtree, GeneralSubtrees, id_ce_nameConstraints, NameConstraints } from '@peculiar/asn1-x509';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface Pems {
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** For clients whose clocks are behind. */
const BEFORE_MS = 3_600_000;
const AUTHORITY_DAYS = 3652;
/** Clients take certificates of servers for 398 days at most. */
const SERVER_DAYS = 397;

/**
 * `names`: the only host names and addresses that it may vouch for, so that whoever steals its key can pretend to be this server and no
 * other.
 */
export async function makeAuthority(names: readonly string[], now: number): Promise<Pems> {
  const keys = await makeKeys();
  const serial = randomBytes(8).toString('hex');
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, AUTHORITY_DAYS),
    // Each has a name of its own: one that is made anew is not taken for the former one.
    name: [{ CN: [`Gofer's own CA ${serial}`] }],
    serialNumber: newSerial(),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      constraintsOf(names),
    ],
  });
  return { cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
}

export async function makeServerCertificate(authority: Pems, names: readonly string[], now: number): Promise<Pems> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await makeKeys();
  const { notBefore, notAfter } = validity(now, SERVER_DAYS);
  const certificate = await X509CertificateGenerator.create({
    notBefore,
    notAfter: notAfter > issuer.notAfter ? issuer.notAfter : notAfter,
    subject: [{ CN: ['Gofer'] }],
    issuer: issuer.subjectName.toJSON(),
    serialNumber: newSerial(),
    publicKey: keys.publicKey,
    signingKey: await crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(authority.key), ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((name) => (isIP(name) === 0 ? { type: 'dns', value: name } : { type: 'ip', value: name })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
}

/** Whether an authority of this server's may vouch for all of these. */
export function permitsNames(authority: string, names: readonly string[]): boolean {
  const extension = new X509Certificate(authority).getExtension(id_ce_nameConstraints);
  if (extension === null) return false;
  const wanted = AsnConvert.parse(constraintsOf(names).value, NameConstraints).permittedSubtrees ?? [];
  const permitted = new Set((AsnConvert.parse(extension.value, NameConstraints).permittedSubtrees ?? []).map(textOf));
  return wanted.every((subtree) => permitted.has(textOf(subtree)));
}

function textOf({ base }: GeneralSubtree): string {
  return Buffer.from(AsnConvert.serialize(base)).toString('hex');
}

/** RFC 5280 §4.2.1.10. */
function constraintsOf(names: readonly string[]): Extension {
  const permitted = names.map((name) => {
    const family = isIP(name);
    const address = family === 4 ? `${name}/32` : `${name}/128`;
    const base = family === 0 ? new GeneralName({ dNSName: name }) : new GeneralName({ iPAddress: address });
    return new GeneralSubtree({ base });
  });
  return new Extension(
    id_ce_nameConstraints,
    true,
    AsnConvert.serialize(new NameConstraints({ permittedSubtrees: new GeneralSubtrees(permitted) })),
  );
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  const notBefore = new Date(now - BEFORE_MS);
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * DAY_MS) };
}

function newSerial(): string {
  const bytes = randomBytes(16);
  // Positive, and not empty (RFC 5280 §4.1.2.2).
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
