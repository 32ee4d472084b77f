import { Readable } from 'node:stream';
import type { StoredObject } from '@gofer/contracts/api';
import type { UploadBody } from '../api/send-body.ts';
import type { GoferContext } from '../gofer-context.ts';
import { openLocalFile } from '../input/local-file.ts';
import { TransferProgress } from '../output/transfer-progress.ts';
import { untilCancelled } from '../until-cancelled.ts';
import type { ObjectContent } from './put-words.ts';
import type { Shelf } from './shelf.ts';

/** Uploads as a stream, with a bar where it takes long. */
export async function putObject(
  context: GoferContext,
  shelf: Shelf,
  { key, content, force }: { key: string; content: ObjectContent; force: boolean },
): Promise<StoredObject> {
  return await withBody(context, content, async (body) => {
    const progress = await TransferProgress.start(context, body.size);
    const onProgress = (sent: number) => progress.update(sent);
    try {
      return await untilCancelled(context, (signal) => shelf.put(key, { ...body, onProgress }, { force, signal }));
    } finally {
      progress.end();
    }
  });
}

async function withBody<Result>(
  context: GoferContext,
  content: ObjectContent,
  use: (body: UploadBody) => Promise<Result>,
): Promise<Result> {
  if (content.kind === 'stdin') return await use({ source: context.stdin as AsyncIterable<Uint8Array> });
  if (content.kind === 'value') {
    const value = Buffer.from(content.value, 'utf8');
    return await use({ source: Readable.from([value]), size: value.byteLength });
  }
  const { handle, size } = await openLocalFile(context, content.path);
  try {
    // Of a file that grows meanwhile: what it had when it was opened.
    const range = size === undefined ? {} : { start: 0, end: size - 1 };
    return await use({ source: handle.createReadStream({ ...range, autoClose: false, highWaterMark: 262_144 }), size });
  } finally {
    await handle.close();
  }
}
