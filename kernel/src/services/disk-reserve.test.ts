import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { DiskReserve } from './disk-reserve.ts';

const directories = [{ what: 'the database', path: tmpdir() }];
const MORE_THAN_ANY_DISK = Number.MAX_SAFE_INTEGER;

describe('the room that is kept for what has begun', () => {
  it('is refused to new runs where it is not there, by the name of what is kept there', () => {
    const reserve = new DiskReserve({ directories, minimumBytes: MORE_THAN_ANY_DISK, now: () => 0 });
    expect(reserve.shortages()).toEqual(['the database']);
    expect(() => reserve.assertRoom()).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
  });

  it('lets runs start where there is enough, or where it is turned off', () => {
    const gone = [{ what: 'nothing', path: '/does/not/exist' }];
    const enough = new DiskReserve({ directories, minimumBytes: 1, now: () => 0 });
    const off = new DiskReserve({ directories: gone, minimumBytes: 0, now: () => 0 });
    for (const reserve of [enough, off]) expect(() => reserve.assertRoom()).not.toThrow();
  });

  it('takes a directory that is gone for one without room, so that a probe is answered', () => {
    const gone = [...directories, { what: 'the logs', path: '/does/not/exist' }];
    expect(new DiskReserve({ directories: gone, minimumBytes: 1, now: () => 0 }).shortages()).toEqual(['the logs']);
  });

  it('looks at the disk again after two seconds, and where the clock was set back', () => {
    const watched = [{ what: 'the database', path: tmpdir() }];
    let time = 10_000;
    const reserve = new DiskReserve({ directories: watched, minimumBytes: MORE_THAN_ANY_DISK, now: () => time });
    expect(reserve.shortages()).toEqual(['the database']);
    watched.pop();
    time += 1999;
    expect(reserve.shortages()).toEqual(['the database']);
    time += 1;
    expect(reserve.shortages()).toEqual([]);
    watched.push({ what: 'the logs', path: tmpdir() });
    time -= 1;
    expect(reserve.shortages()).toEqual(['the logs']);
  });
});
