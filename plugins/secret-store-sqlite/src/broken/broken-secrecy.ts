/** Where a value, or the key, can be written that must be nowhere. */
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginHost, SecretStore } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { FIRST_KEY, NEXT_KEY } from '../store-harness.ts';
import type { BrokenSecretStore } from './broken-secret-store.ts';
import { everyKey } from './broken-secret-store.ts';

const WHILE_OPEN = 'secrecy: nothing of a value or of the key is in a log line';
const AFTER_CLOSE = 'secrecy: nothing of a value or of the key is in a file after close';
const WHILE_ROTATING = 'secrecy: nothing of a value or of a key is in a log line';

/** A store that writes something of each value into a file beside. */
const leaving = (form: (value: Buffer) => string | Uint8Array) => (sound: SecretStore, host: PluginHost) => ({
  async put(key: string, value: Uint8Array): Promise<void> {
    await sound.put(key, value);
    await appendFile(join(host.dataDirectory, 'beside'), form(Buffer.from(value)));
  },
});

const LEAVING = { fails: [WHILE_OPEN, AFTER_CLOSE, WHILE_ROTATING] } as const;

export const BROKEN_SECRECY: readonly BrokenSecretStore[] = [
  { ...LEAVING, fault: 'writes values into a file', breaks: leaving((value) => value) },
  { ...LEAVING, fault: 'calls base64 encryption', breaks: leaving((value) => value.toString('base64')) },
  {
    ...LEAVING,
    fault: 'writes values into the middle of base64',
    breaks: leaving((value) => Buffer.from(`{"a":"${value.toString()}"}`).toString('base64')),
  },
  { ...LEAVING, fault: 'writes values as hexadecimal', breaks: leaving((value) => value.toString('hex')) },
  { ...LEAVING, fault: 'writes values as JSON', breaks: leaving((value) => JSON.stringify(value)) },
  { ...LEAVING, fault: 'writes values as UTF-16', breaks: leaving((value) => Buffer.from(value.toString(), 'utf16le')) },
  {
    ...LEAVING,
    fault: 'keeps the key beside what it encrypts',
    breaks: leaving(() => FIRST_KEY),
  },
  {
    fault: 'logs what it puts',
    fails: [WHILE_OPEN],
    breaks: (sound, host) => ({
      put(key, value) {
        host.log('debug', 'put', { key, value });
        return sound.put(key, value);
      },
    }),
  },
  {
    fault: 'logs its configuration',
    fails: [WHILE_OPEN, AFTER_CLOSE],
    breaks: (_sound, host) => {
      host.log('debug', `opened with ${JSON.stringify({ encryption_key: FIRST_KEY })}`);
      return {};
    },
  },
  {
    fault: 'names a refused value in its error',
    fails: [WHILE_OPEN],
    breaks: (sound) => ({
      put: (key, value) =>
        sound.put(key, value).catch(() => {
          throw new GoferError('ALREADY_EXISTS', `${key} is kept and cannot become ${Buffer.from(value).toString()}`);
        }),
    }),
  },
  {
    fault: 'carries a refused value in the cause of its error',
    fails: [WHILE_OPEN],
    breaks: (sound) => ({
      put: (key, value) =>
        sound.put(key, value).catch(() => {
          throw new GoferError('ALREADY_EXISTS', `${key} is kept`, { cause: { parameters: [key, value] } });
        }),
    }),
  },
  {
    fault: 'writes everything down when it closes',
    fails: [AFTER_CLOSE],
    breaks(sound, host) {
      let closed = false;
      return {
        async close() {
          if (!closed) {
            const values = await Promise.all((await everyKey(sound)).map((key) => sound.get(key)));
            await writeFile(join(host.dataDirectory, 'dump'), Buffer.concat(values));
          }
          closed = true;
          await sound.close();
        },
      };
    },
  },
  {
    fault: 'keeps a copy of what is deleted',
    fails: [AFTER_CLOSE],
    breaks: (sound, host) => ({
      async delete(key) {
        await appendFile(join(host.dataDirectory, 'bin'), await sound.get(key).catch(() => new Uint8Array()));
        await sound.delete(key);
      },
    }),
  },
  {
    fault: 'rotates by way of a file',
    fails: [WHILE_ROTATING],
    breaks: (sound, host) => ({
      async *rotate(signal) {
        for (const key of await everyKey(sound)) await appendFile(join(host.dataDirectory, 'rotating'), await sound.get(key));
        yield* sound.rotate(signal);
      },
    }),
  },
  {
    fault: 'logs the key that it rotates to',
    fails: [WHILE_ROTATING],
    breaks: (sound, host) => ({
      rotate(signal) {
        host.log('info', 'rotating', { to: NEXT_KEY });
        return sound.rotate(signal);
      },
    }),
  },
];
