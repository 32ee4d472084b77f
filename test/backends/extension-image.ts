/** An image of one of our extensions, as its Dockerfile makes it, from this machine's own Node: no base image can be relied on. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { importImage } from './busybox-image.ts';
import type { DockerApi } from './docker-api.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
/** Node alone is more than 100 MiB. */
const LARGEST_ARCHIVE = 512 * 1024 * 1024;

/** Makes `gofer-test/extension-NAME:latest` on this engine, anew. */
export async function extensionImage(docker: DockerApi, name: string): Promise<string> {
  const reference = `gofer-test/extension-${name}:latest`;
  const directory = await mkdtemp(join(tmpdir(), 'gofer-extension-image-'));
  try {
    await Promise.all(['bin', 'app', 'tmp'].map((each) => mkdir(join(directory, each))));
    await run(process.execPath, [join(root, 'extensions/build.ts'), name, '--out', join(directory, 'app')], { cwd: root });
    const node = await realpath(process.execPath);
    await copyFile(node, join(directory, 'bin/node'));
    for (const library of await librariesOf(node)) {
      await mkdir(join(directory, dirname(library)), { recursive: true });
      await copyFile(library, join(directory, library));
    }
    const options = { encoding: 'buffer', maxBuffer: LARGEST_ARCHIVE } as const;
    const { stdout } = await run('tar', ['-C', directory, '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'], options);
    await importImage(docker, reference, stdout, ['WORKDIR /app', 'ENTRYPOINT ["/bin/node", "/app/extension.mjs"]']);
    return reference;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Absolute paths, the loader's among them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(\/\S+)(?= \(0x)/g)].map(([, path = '']) => path);
}
