import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, type RunOptions, runInProcess } from './run-in-process.ts';
import { SIMPLE } from './sample-pipeline.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const MEBIBYTE = 1_048_576;

/** A real server, a folder with files to put, and the commands for the objects of one pipeline, which each test may have anew. */
export class ObjectStage {
  pipeline = '';
  readonly directory: string;
  readonly client: GoferClient;
  readonly #server: TestServer;
  #number = 0;

  private constructor(server: TestServer, directory: string) {
    this.#server = server;
    this.directory = directory;
    this.client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
  }

  /** Objects of up to 12 MiB, which expire after two runs. Files: `hello.txt`, `binary` (no UTF-8), `empty`, `large` (10 MiB). */
  static async start(): Promise<ObjectStage> {
    const flags = { 'object_store.run_object_expiry': '2', 'object_store.max_object_size': String(12 * MEBIBYTE) };
    const directory = await mkdtemp(join(tmpdir(), 'gofer-cli-objects-'));
    await writeFile(join(directory, 'hello.txt'), 'hello\n');
    await writeFile(join(directory, 'binary'), Uint8Array.of(0x00, 0xff, 0x0a, 0x80));
    await writeFile(join(directory, 'empty'), '');
    await writeFile(join(directory, 'large'), randomBytes(10 * MEBIBYTE));
    return new ObjectStage(await startTestServer('fake', flags), directory);
  }

  async newPipeline(): Promise<void> {
    this.#number += 1;
    this.pipeline = `objects-${this.#number}`;
    const path = { namespace_id: 'default', pipeline_id: this.pipeline };
    await this.client.call('register_config', { path, body: { config: { ...SIMPLE, id: this.pipeline } } });
    await this.client.call('deploy_config', { path: { ...path, version: 1 } });
  }

  /** Resolves when the run has ended. */
  async startRun(): Promise<void> {
    const path = { namespace_id: 'default', pipeline_id: this.pipeline };
    await this.client.call('start_run', { path, body: { variables: {} }, query: { wait: 30 } });
  }

  get port(): string {
    return new URL(this.#server.url).port;
  }

  gofer(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const env = { GOFER_API_BASE_URL: this.#server.url, ...options.env };
    return runInProcess(argv, { workingDirectory: this.directory, ...options, env });
  }

  /** `gofer pipeline object VERB PIPELINE WORDS` */
  ofPipeline(verb: string, words: readonly string[] = [], options?: RunOptions): Promise<Outcome> {
    return this.gofer(['pipeline', 'object', verb, this.pipeline, ...words], options);
  }

  /** `gofer run object VERB PIPELINE WORDS` */
  ofRun(verb: string, words: readonly string[] = [], options?: RunOptions): Promise<Outcome> {
    return this.gofer(['run', 'object', verb, this.pipeline, ...words], options);
  }

  /** What `gofer pipeline object get` writes, byte for byte. */
  async bytesOf(key: string): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    const { code, stderr } = await this.ofPipeline('get', ['--', key], { onBytes: (chunk) => chunks.push(Buffer.from(chunk)) });
    if (code !== 0) throw new Error(stderr);
    return Buffer.concat(chunks);
  }

  async close(): Promise<void> {
    await this.#server.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
