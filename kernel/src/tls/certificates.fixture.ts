import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginLog } from '@gofer/contracts';
import { makeAuthority, makeServerCertificate, type Pems } from './make-certificates.ts';

export const DAY_MS = 86_400_000;

/** An authority and what it vouches for, each certificate valid for 397 days from `begins` on. */
export class TestAuthority {
  readonly pems: Pems;

  static async make(names: readonly string[] = ['localhost', '127.0.0.1', '::1'], now = Date.now()): Promise<TestAuthority> {
    return new TestAuthority(await makeAuthority(names, now - 5 * 365 * DAY_MS));
  }

  private constructor(pems: Pems) {
    this.pems = pems;
  }

  issue(names: readonly string[] = ['localhost', '127.0.0.1', '::1'], begins = Date.now()): Promise<Pems> {
    return makeServerCertificate(this.pems, names, begins);
  }
}

/** A directory with two files for a certificate and its key. */
export class CertificateFiles implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'gofer-tls-'));
  readonly cert = join(this.directory, 'cert.pem');
  readonly key = join(this.directory, 'key.pem');

  write({ cert, key }: Partial<Pems>): void {
    if (cert !== undefined) writeFileSync(this.cert, cert);
    if (key !== undefined) writeFileSync(this.key, key, { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function createLog(): { readonly log: PluginLog; readonly logged: Logged[] } {
  const logged: Logged[] = [];
  return { logged, log: (level, message, fields = {}) => void logged.push({ level, message, fields }) };
}

/** A bound that a busy machine does not reach. */
export const SOON = { timeout: 20_000 };
