import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../storage/store.ts';
import { LooseBodies } from './loose-bodies.ts';
import { TestStores } from './test-stores.fixture.ts';

let directory: string;
let store: Store;
let logged: string[];
const log = (level: string, message: string, fields?: object): void => void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-loose-'));
  store = Store.open(join(directory, 'gofer.db'));
  logged = [];
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const loose = (): string[] => store.looseBodies.after('objects', '', 1000);

describe('what nothing points to', () => {
  it('is found again after a crash, before its put as after it, and between letting go and removing', async () => {
    const first = new TestStores(store, directory, log);
    const written: string[] = [];
    const source = async function* () {
      yield Buffer.from('contents');
    };
    const never = new AbortController().signal;
    const insert = (key: string) => (body: { body: string; size: number }) =>
      store.commit(() => {
        written.push(body.body);
        first.objects.adopt(body.body);
        store.objects.insert('owner', { key, ...body, created: 1 });
      });
    await first.objects.write(source(), never, insert('kept'));
    await first.objects.write(source(), never, insert('let go'));
    // The server dies after the commit that lets go, after a put without its commit, and before a put.
    await store.commit(() => first.objects.letGo([store.objects.delete('owner', 'let go') ?? '']));
    const put = first.objects.write(source(), never, () => new Promise<never>(() => undefined));
    await expect.poll(() => loose().length).toBe(2);
    put.catch(() => undefined);
    await expect.poll(async () => (await first.kept()).objects.length).toBe(3);

    const second = new TestStores(store, directory, log);
    second.objects.collect();
    await second.objects.settled();
    expect((await second.kept()).objects).toEqual([written[0]]);
    expect(loose()).toEqual([]);
    await second.close();
    await first.close();
  });

  it('stays while it is held, and goes when nobody holds it', async () => {
    const removed: string[] = [];
    const bodies = new LooseBodies({ store, kind: 'objects', remove: async (body) => void removed.push(body), log });
    const body = await bodies.begin();
    bodies.hold(body);
    bodies.collect();
    await bodies.settled();
    bodies.release(body);
    await bodies.settled();
    expect(removed).toEqual([]);
    bodies.release(body);
    await bodies.settled();
    expect(removed).toEqual([body]);
    expect(loose()).toEqual([]);
  });

  it('that cannot be removed is logged, keeps nothing else from going, and is tried again', async () => {
    const removed: string[] = [];
    let broken = '';
    const remove = async (body: string): Promise<void> => {
      if (body === broken) throw new Error('the store is away');
      removed.push(body);
    };
    const bodies = new LooseBodies({ store, kind: 'objects', remove, log });
    const all: string[] = [];
    for (let count = 0; count < 250; count += 1) all.push(await bodies.begin());
    broken = all.toSorted()[120] ?? '';
    for (const body of all) bodies.release(body);
    bodies.collect();
    await bodies.settled();
    expect(loose()).toEqual([broken]);
    expect(logged).toEqual([expect.stringMatching(/^warn .*"reason":"the store is away","failures":1/)]);
    broken = '';
    bodies.collect();
    await bodies.settled();
    expect(loose()).toEqual([]);
    expect(removed).toHaveLength(250);
    await bodies.close();
  });

  it('is looked at again before each removal: what has become of use while others were removed stays', async () => {
    const removing = Promise.withResolvers<void>();
    const removed: string[] = [];
    const remove = async (body: string): Promise<void> => {
      await removing.promise;
      removed.push(body);
    };
    const bodies = new LooseBodies({ store, kind: 'objects', remove, log });
    const [first = '', second = ''] = [await bodies.begin(), await bodies.begin()].toSorted();
    bodies.release(first);
    // Both are of one page, and the first is on its way out.
    bodies.collect();
    await store.commit(() => bodies.adopt(second));
    bodies.release(second);
    removing.resolve();
    await bodies.settled();
    expect(removed).toEqual([first]);
    await bodies.close();
  });

  it('of another store or another server is never met', async () => {
    const bodies = new LooseBodies({ store, kind: 'objects', remove: async () => undefined, log });
    await store.commit(() => store.looseBodies.insert('secrets', 'of-the-other'));
    const body = await bodies.begin();
    expect(body).toMatch(new RegExp(`^${store.system.instanceId}/[\\da-f]{2}/[\\da-f-]{36}$`));
    expect(body.length).toBeLessThanOrEqual(128);
    bodies.release(body);
    bodies.collect();
    await bodies.settled();
    expect(store.looseBodies.after('secrets', '', 10)).toEqual(['of-the-other']);
  });
});

it('a body that has another length than it was put with is lost, at its end and not before', async () => {
  const stores = new TestStores(store, directory, log);
  const never = new AbortController().signal;
  const source = async function* () {
    yield Buffer.from('contents');
  };
  const written = await stores.objects.write(source(), never, async (body) => body);
  const file = readdirSync(join(directory, 'objects'), { recursive: true, withFileTypes: true }).find((entry) => entry.isFile());
  const path = join(file?.parentPath ?? '', file?.name ?? '');
  const read = async (range?: { start: number; end?: number }): Promise<string> => {
    let text = '';
    for await (const piece of stores.objects.read(written, range, never)) text += Buffer.from(piece).toString();
    return text;
  };
  expect([await read(), await read({ start: 3 }), await read({ start: 1, end: 2 }), await read({ start: 6, end: 99 })]).toEqual([
    'contents',
    'tents',
    'on',
    'ts',
  ]);
  writeFileSync(path, 'conte');
  await expect(read()).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining('3 bytes fewer') });
  await expect(read({ start: 4, end: 6 })).rejects.toMatchObject({ code: 'DATA_LOSS' });
  expect(await read({ start: 1, end: 2 })).toBe('on');
  writeFileSync(path, 'contents and more');
  await expect(read()).rejects.toMatchObject({ code: 'DATA_LOSS' });
  await stores.close();
});

it('values larger than a secret store takes are kept in parts, and read as one', async () => {
  const stores = new TestStores(store, directory, log);
  const bytes = Buffer.alloc(2_500_000, 'value');
  const pointer = await stores.secrets.write(bytes, async (written) => {
    await store.commit(() => stores.secrets.adopt(written));
    return written;
  });
  expect((await stores.kept()).secrets).toHaveLength(3);
  expect(Buffer.from(await stores.secrets.read(pointer)).equals(bytes)).toBe(true);
  await store.commit(() => stores.secrets.letGo([pointer]));
  await expect(stores.secrets.read(pointer)).resolves.toHaveLength(bytes.length);
  stores.secrets.collect();
  await stores.secrets.settled();
  await expect(stores.secrets.read(pointer)).rejects.toMatchObject({ code: 'DATA_LOSS' });
  await stores.close();
});
