/** A container registry (Debian's docker-registry) on loopback that wants a password. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../clients/free-port.ts';
import { debianPackage } from './busybox-image.ts';
import { endProcess, startProcess, untilReady } from './test-process.ts';

const run = promisify(execFile);

export interface DockerRegistry {
  /** As the first part of an image reference. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Everything it keeps is under `directory`, which is the caller's. */
export async function startDockerRegistry(directory: string): Promise<DockerRegistry> {
  const binary = join(await debianPackage('docker-registry'), 'usr', 'bin', 'docker-registry');
  await mkdir(directory, { recursive: true });
  const username = 'gofer';
  const password = 'gofer-password';
  // The registry takes bcrypt only; perl's crypt can make it.
  const salt = 'abcdefghijklmnopqrstuu';
  const { stdout: hash } = await run('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, `$2b$05$${salt}`]);
  await writeFile(join(directory, 'htpasswd'), `${username}:${hash}\n`);
  const address = `127.0.0.1:${await freePort()}`;
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: address },
    auth: { htpasswd: { realm: 'gofer', path: join(directory, 'htpasswd') } },
  };
  // JSON is YAML.
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config));
  const registry = startProcess(binary, ['serve', 'config.yml'], join(directory, 'registry.log'), directory);
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  await untilReady(registry, async () => {
    const answer = await fetch(`http://${address}/v2/`, { headers });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`the registry answers ${answer.status}`);
  });
  return { address, username, password, close: () => endProcess(registry, 'SIGTERM') };
}
