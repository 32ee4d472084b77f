/** The image that tests run: Debian's static busybox, imported, because no registry can be relied on. */
import { execFile } from 'node:child_process';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerApi } from './docker-api.ts';

const run = promisify(execFile);

export const BUSYBOX_IMAGE = 'gofer-test/busybox:latest';

/** Makes the image on this engine if it is not there. */
export async function busyboxImage(docker: DockerApi): Promise<string> {
  const there = await docker.call('GET', `/images/${BUSYBOX_IMAGE}/json`).then(
    () => true,
    () => false,
  );
  if (!there) await importImage(docker, BUSYBOX_IMAGE, await busyboxArchive());
  return BUSYBOX_IMAGE;
}

/** `reference` as `name:tag`; `archive`: its file system; `changes`: lines of a Dockerfile. */
export async function importImage(
  docker: DockerApi,
  reference: string,
  archive: Uint8Array,
  changes: readonly string[] = [],
): Promise<void> {
  const colon = reference.lastIndexOf(':');
  const query = new URLSearchParams({ fromSrc: '-', repo: reference.slice(0, colon), tag: reference.slice(colon + 1) });
  for (const change of ['ENV PATH=/bin', 'CMD ["sh"]', ...changes]) query.append('changes', change);
  refuseError(await docker.call('POST', `/images/create?${query.toString()}`, archive), `import of ${reference}`);
}

/** `reference` as `registry/name:tag`. */
export async function pushImage(
  docker: DockerApi,
  reference: string,
  auth: { readonly username: string; readonly password: string; readonly serveraddress: string },
): Promise<void> {
  const colon = reference.lastIndexOf(':');
  // The URL's alphabet, padded: without padding the engine takes it for no credentials.
  const header = Buffer.from(JSON.stringify(auth)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  const path = `/images/${reference.slice(0, colon)}/push?tag=${reference.slice(colon + 1)}`;
  refuseError(await docker.call('POST', path, undefined, { 'x-registry-auth': header }), `push of ${reference}`);
}

/** The engine has answered 200 before it knows. */
function refuseError(answer: unknown, what: string): void {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  if (text.includes('"error"')) throw new Error(`the ${what} failed: ${text.slice(-500)}`);
}

/** A tar archive of a file system with busybox in it, and what else is given (path → content). */
export async function busyboxArchive(extra: Readonly<Record<string, Uint8Array>> = {}): Promise<Uint8Array> {
  const root = await mkdtemp(join(tmpdir(), 'gofer-busybox-'));
  try {
    await Promise.all(['bin', 'etc', 'proc', 'sys', 'dev', 'root', 'tmp'].map((name) => mkdir(join(root, name))));
    await chmod(join(root, 'tmp'), 0o1777);
    const busybox = join(root, 'bin', 'busybox');
    await copyFile(await busyboxBinary(), busybox);
    await chmod(busybox, 0o755);
    const { stdout } = await run(busybox, ['--list']);
    const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
    await Promise.all(applets.map((name) => symlink('busybox', join(root, 'bin', name))));
    await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await writeFile(join(root, 'etc', 'group'), 'root:x:0:\n');
    for (const [path, content] of Object.entries(extra)) await writeFile(join(root, path), content);
    const options = { encoding: 'buffer', maxBuffer: 256 * 1024 * 1024 } as const;
    return (await run('tar', ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'], options)).stdout;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function busyboxBinary(): Promise<string> {
  for (const path of ['/bin/busybox', '/usr/bin/busybox']) {
    if (!(await exists(path))) continue;
    // A busybox that needs libraries does not run in an image of its own.
    if ((await run('ldd', [path]).catch((error: { stderr?: string }) => ({ stdout: error.stderr ?? '' }))).stdout.includes('=>')) continue;
    return path;
  }
  return join(await debianPackage('busybox-static'), 'bin', 'busybox');
}

/** Unpacks a Debian package into the cache, without installing it; resolves with the directory. */
export async function debianPackage(name: string): Promise<string> {
  const cache = process.env['GOFER_BACKENDS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gofer-backends');
  const directory = join(cache, name);
  if (await exists(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, `${name}.part-`));
  try {
    await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', name], { cwd: part });
    for (const file of await readdir(part)) {
      await run('dpkg-deb', ['-x', file, '.'], { cwd: part });
      await rm(join(part, file));
    }
    // Another test process may have been faster.
    await rename(part, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return directory;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
