/** What a server writes can be read by its own user only, whatever the mask it is started with; its tasks keep that mask. */
import { once } from 'node:events';
import { lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GoferServer, pipelinePath, taskPath, VERSION } from './gofer-server.ts';
import { until } from './leftovers.ts';

const MIB = 1024 * 1024;
const BINARY = { ...VERSION, 'content-type': 'application/octet-stream' };
const OBJECTS = `${pipelinePath('keeps')}/objects`;
/** Makes what a task makes, and waits to be told to go on; not for ever, should the test fail. */
const SCRIPT = `umask; touch file; mkdir directory; stat -c %a file directory
n=0; until test -e go-on || test $n -gt 600; do sleep 0.05; n=$((n+1)); done`;

interface Entry {
  readonly path: string;
  readonly mode: string;
}

/** Everything under a directory, itself included, but for what is inside the tasks' own directories. */
function entriesUnder(root: string): readonly Entry[] {
  const found: Entry[] = [];
  const open = [root];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const stat = lstatSync(path);
    found.push({ path: relative(root, path), mode: (stat.mode & 0o777).toString(8) });
    const isOfTask = /attempts\/[^/]+$/.test(path);
    if (stat.isDirectory() && !isOfTask) for (const name of readdirSync(path)) open.push(join(path, name));
  }
  return found;
}

describe.each([['sqlite'], ['filesystem']])('a server that is started with the mask 000, with objects in "%s"', (store) => {
  it('leaves nothing that others may read, not even of an upload under way', async () => {
    const server = await GoferServer.start('process', { umask: '000', settings: [`object_store.engine=${store}`, 'api.log_level=debug'] });
    try {
      const root = join(server.directory, 'gofer');
      await server.deploy('keeps', [{ id: 'one', script: SCRIPT, variables: { TOKEN: 'pipeline_secret{{token}}' } }]);
      await server.ask('POST', `${pipelinePath('keeps')}/secrets`, { key: 'token', content: 'kept-to-itself', force: false });
      expect(await server.call('POST', `${OBJECTS}/small`, Buffer.from('small'), BINARY)).toMatchObject({ status: 201 });
      const run = await server.run('keeps');
      const log = async () => (await server.call('GET', `${taskPath('keeps', run.run_id, 'one')}/logs/raw`)).body.toString();
      await until('the output of the task', async () => (await log()).endsWith('777\n'));
      // The task makes files as its user does.
      expect(await log()).toBe('0000\n666\n777\n');

      const before = entriesUnder(root).length;
      const upload = request(`${server.url}${OBJECTS}/large`, { method: 'POST', headers: BINARY });
      const answered = once(upload, 'response');
      for (let sent = 0; sent < 8; sent += 1) if (!upload.write(Buffer.alloc(MIB, sent))) await once(upload, 'drain');
      // Where each body is a file, there is one on its way.
      if (store === 'filesystem') await until('a part of the upload on the disk', () => entriesUnder(root).length > before);
      const during = entriesUnder(root);
      upload.end();
      await answered;
      const after = entriesUnder(root);

      const paths = after.map(({ path }) => path);
      for (const expected of [
        /gofer\.db$/,
        /\.db-wal$/,
        /\.lock$/,
        /secrets\.db$/,
        /supervisor\.sock$/,
        /journal$/,
        /supervisor\.log$/,
        /pipes\/\d+\/0$/,
      ]) {
        expect(paths).toContainEqual(expect.stringMatching(expected));
      }
      expect([...during, ...after].filter(({ mode }) => /[1-7]/.test(mode.slice(-2)))).toEqual([]);

      writeFileSync(join(root, paths.find((path) => /attempts\/[^/]+$/.test(path)) ?? '', 'go-on'), '');
      expect((await server.getRun('keeps', run.run_id, 60)).status).toBe('successful');
    } finally {
      await server.close();
    }
  });
});
