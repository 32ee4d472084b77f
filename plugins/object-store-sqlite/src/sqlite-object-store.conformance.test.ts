import { join } from 'node:path';
import { objectStoreSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeNeeding } from '../../../test/backends/describe-needing.ts';
import { checkFullStore, onSmallDisk, smallDiskMissing } from '../../../test/backends/small-disk.ts';
import { plugin } from './plugin.ts';
import { sqliteHarness } from './sqlite-harness.ts';

objectStoreSuite({ describe, it, before: beforeAll, after: afterAll }, sqliteHarness('sqlite'));

describeNeeding('a small disk', 'object store sqlite', smallDiskMissing, () => {
  it('keeps the laws of a full store', async () => {
    const checked = await checkFullStore({
      ...sqliteHarness('sqlite'),
      createSmall: (host) => onSmallDisk(host, 96, (disk) => plugin.create({ path: join(disk, 'objects.db') }, host)),
    });
    expect(checked).toBe(2);
  });
});
