/**
 * Images of programs that run on Node, as the Dockerfiles of our extensions make them: from this machine's own Node, since no base image
 * can be relied on. Their names are of this process, and `remove` removes them.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { importImage } from './busybox-image.ts';
import type { DockerApi } from './docker-api.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
/** Node alone is more than 100 MiB. */
const LARGEST_ARCHIVE = 512 * 1024 * 1024;
/** Nothing listens there: whoever pulls from it learns so at once. */
const REGISTRY = '127.0.0.1:1';

export class ExtensionImages {
  readonly #docker: DockerApi;
  readonly #repository = `${REGISTRY}/gofer-test/${randomUUID()}`;
  readonly #references: string[] = [];

  constructor(docker: DockerApi) {
    this.#docker = docker;
  }

  /** One of the extensions of this repository. */
  async bundled(name: string): Promise<string> {
    return withDirectory(async (directory) => {
      await run(process.execPath, [join(root, 'extensions/build.ts'), name, '--out', directory], { cwd: root });
      return this.#build(name, directory);
    });
  }

  /** `program`: an ES module that needs nothing beside Node. */
  async of(name: string, program: string): Promise<string> {
    return withDirectory(async (directory) => {
      await writeFile(join(directory, 'extension.mjs'), program);
      return this.#build(name, directory);
    });
  }

  /** All of them; what runs of one ends first. */
  async remove(): Promise<void> {
    for (const reference of this.#references.splice(0).reverse()) await this.#docker.call('DELETE', `/images/${reference}?force=1`);
  }

  /** From a directory with `extension.mjs` in it. */
  async #build(name: string, directory: string): Promise<string> {
    const base = `${this.#repository}/node:latest`;
    if (!this.#references.includes(base)) {
      await importImage(this.#docker, base, await nodeArchive(), ['WORKDIR /app', 'ENTRYPOINT ["/bin/node", "/app/extension.mjs"]']);
      this.#references.push(base);
    }
    await writeFile(join(directory, 'Dockerfile'), `FROM ${base}\nCOPY extension.mjs /app/\n`);
    const reference = `${this.#repository}/${name}:latest`;
    const said = JSON.stringify(await this.#docker.call('POST', `/build?t=${encodeURIComponent(reference)}`, await archiveOf(directory)));
    if (!said.includes('Successfully built')) throw new Error(`the build of ${reference} failed: ${said.slice(-500)}`);
    if (!this.#references.includes(reference)) this.#references.push(reference);
    return reference;
  }
}

/** A file system with Node in it. */
async function nodeArchive(): Promise<Uint8Array> {
  return withDirectory(async (directory) => {
    await Promise.all(['bin', 'app', 'tmp'].map((each) => mkdir(join(directory, each))));
    const node = await realpath(process.execPath);
    await copyFile(node, join(directory, 'bin/node'));
    for (const library of await librariesOf(node)) {
      await mkdir(join(directory, dirname(library)), { recursive: true });
      await copyFile(library, join(directory, library));
    }
    return archiveOf(directory);
  });
}

/** Absolute paths, the loader's among them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(\/\S+)(?= \(0x)/g)].map(([, path = '']) => path);
}

async function archiveOf(directory: string): Promise<Uint8Array> {
  const options = { encoding: 'buffer', maxBuffer: LARGEST_ARCHIVE } as const;
  return (await run('tar', ['-C', directory, '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'], options)).stdout;
}

async function withDirectory<Result>(use: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'gofer-image-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
