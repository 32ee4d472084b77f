/** What a server could leave behind on the machine, and waiting for what must come true. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DockerApi } from '../backends/docker-api.ts';

/** Far above what any condition takes. */
const LIMIT_MS = 60_000;

export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  for (const end = Date.now() + limitMs; !(await holds()); await delay(10)) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
  }
}

/** Ids of processes that were started for a path (their command or their working directory names it). */
export async function processesUsing(path: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const [command, directory] = await Promise.all([
      readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => ''),
      readlink(`/proc/${name}/cwd`).catch(() => ''),
    ]);
    if (command.includes(path) || directory.startsWith(path)) found.push(Number(name));
  }
  return found;
}

/** Paths under a directory, relative to it. */
export async function filesUnder(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

/** Ids of the containers of these attempts. */
export async function containersOf(docker: DockerApi, attempts: readonly string[]): Promise<readonly string[]> {
  const listed = (await docker.call('GET', '/containers/json?all=1')) as readonly { Id: string; Labels: Record<string, string> }[];
  return listed.filter(({ Labels }) => attempts.includes(Labels['dev.gofer.attempt'] ?? '')).map(({ Id }) => Id);
}
