import { objectStoreSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeNeeding } from '../../../test/backends/describe-needing.ts';
import { checkFullStore, onSmallDisk, smallDiskMissing } from '../../../test/backends/small-disk.ts';
import { filesystemHarness } from './filesystem-harness.ts';
import { plugin } from './plugin.ts';

objectStoreSuite({ describe, it, before: beforeAll, after: afterAll }, filesystemHarness('filesystem'));

describeNeeding('a small disk', 'object store filesystem', smallDiskMissing, () => {
  it('keeps the laws of a full store', async () => {
    const checked = await checkFullStore({
      ...filesystemHarness('filesystem'),
      createSmall: (host) => onSmallDisk(host, 8, (path) => plugin.create({ path }, host)),
    });
    expect(checked).toBe(2);
  });
});
