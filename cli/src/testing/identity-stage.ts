import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, type RunOptions, runInProcess } from './run-in-process.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** A real server that asks for tokens, its first one, and a home directory for the command. */
export class IdentityStage {
  readonly url: string;
  readonly home: string;
  /** The bootstrap token. */
  readonly root: string;
  readonly #server: TestServer;

  private constructor(server: TestServer, home: string, root: string) {
    this.#server = server;
    this.url = server.url;
    this.home = home;
    this.root = root;
  }

  static async start(flags: Readonly<Record<string, string>> = {}): Promise<IdentityStage> {
    const server = await startTestServer('fake', {
      'development.bypass_auth': 'false',
      'secret_store.sqlite.encryption_key': 'k'.repeat(32),
      ...flags,
    });
    const home = await mkdtemp(join(tmpdir(), 'gofer-cli-identity-'));
    const { secret } = await clientOf(server.url, '').call('create_bootstrap_token', {});
    return new IdentityStage(server, home, secret);
  }

  client(token = this.root): GoferClient {
    return clientOf(this.url, token);
  }

  /** With no token but those of `options` and of files in `home`. */
  gofer(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runInProcess(argv, { workingDirectory: this.home, ...options, env: { GOFER_API_BASE_URL: this.url, ...options.env } });
  }

  /** As whoever has that token. */
  goferAs(token: string, argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.gofer(argv, { ...options, env: { GOFER_TOKEN: token, ...options.env } });
  }

  /** A new token. */
  async tokenFor(user: string, roles: readonly string[] = ['admin']): Promise<{ readonly id: string; readonly secret: string }> {
    const { token_details, secret } = await this.client().call('create_token', { body: { user, roles: [...roles], expires: 0 } });
    return { id: token_details.id, secret };
  }

  async close(): Promise<void> {
    await this.#server.close();
    await rm(this.home, { recursive: true, force: true });
  }
}

function clientOf(url: string, token: string): GoferClient {
  return new GoferClient({ baseUrl: new URL(url), token, insecureSkipTlsVerify: false });
}
