import { GoferError } from '@gofer/contracts';
import type { Download } from '../api/download.ts';
import type { GoferContext } from '../gofer-context.ts';
import { decodeUtf8, readAtMost } from '../input/read-at-most.ts';
import { toSafeJson, toSafeLine, toSafeLogLine } from '../output/sanitise.ts';
import { formatSize } from '../output/sizes.ts';
import { TransferProgress } from '../output/transfer-progress.ts';
import { writeFully } from '../output/write-fully.ts';
import { untilCancelled } from '../until-cancelled.ts';
import { findLocalTarget, writeLocalTarget } from './local-target.ts';
import type { Shelf } from './shelf.ts';

/** What is held in memory to be shown as text or within JSON. */
const LARGEST_SHOWN = 1_048_576;

/** Writes an object to a file; resolves with the file's path and its size. */
export async function saveObject(
  context: GoferContext,
  shelf: Shelf,
  key: string,
  options: { output: string; force: boolean },
): Promise<{ path: string; size: number }> {
  const target = await findLocalTarget(context, options.output, options);
  const size = await untilCancelled(context, async (signal) => {
    const download = await shelf.open(key, signal);
    const progress = await TransferProgress.start(context, download.size);
    try {
      return await writeLocalTarget(target, progress.count(download));
    } finally {
      download.close();
      progress.end();
    }
  });
  return { path: target.path, size };
}

/** Writes an object to stdout: its bytes as they are for a file or a pipe, what can be read of them for a terminal, JSON for programs. */
export async function showObject(context: GoferContext, shelf: Shelf, key: string, { stringify }: { stringify: boolean }): Promise<void> {
  const { outputFormat } = await context.settings();
  await untilCancelled(context, async (signal) => {
    const download = await shelf.open(key, signal);
    try {
      if (outputFormat === 'json') await writeFully(context.stdout, await renderJson(key, download));
      if (outputFormat === 'plain' && (stringify || context.stdout.isTTY === true)) await showText(context, key, download);
      else if (outputFormat === 'plain') await copy(context, download);
    } finally {
      download.close();
    }
  });
}

async function copy(context: GoferContext, download: Download): Promise<void> {
  const progress = await TransferProgress.start(context, download.size);
  try {
    for await (const chunk of progress.count(download)) await writeFully(context.stdout, chunk);
  } finally {
    progress.end();
  }
}

async function renderJson(key: string, download: Download): Promise<string> {
  const bytes = await readShown(key, download, 'JSON');
  const text = decodeUtf8(bytes);
  const content = text === undefined ? { base64: bytes.toString('base64') } : { text };
  return `${toSafeJson({ key, size: bytes.byteLength, ...content }, 2)}\n`;
}

async function showText(context: GoferContext, key: string, download: Download): Promise<void> {
  const isTerminal = context.stdout.isTTY === true;
  const bytes = await readShown(key, download, isTerminal ? 'a terminal' : '--stringify');
  const text = decodeUtf8(bytes);
  if (text === undefined || (isTerminal && text.includes('\0'))) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `object '${toSafeLine(key)}' is not text (UTF-8): write it to a file with --output FILE, or its bytes into a pipe${isTerminal ? '' : ' without --stringify'}`,
    );
  }
  const { isColorSupported: colours } = context.colours;
  const lines = isTerminal ? text.split('\n').map((line) => toSafeLogLine(line, { colours })) : [text];
  const shown = lines.join('\n');
  await writeFully(context.stdout, shown === '' || shown.endsWith('\n') ? shown : `${shown}\n`);
}

async function readShown(key: string, download: Download, what: string): Promise<Buffer> {
  const isTooLarge = download.size !== undefined && download.size > LARGEST_SHOWN;
  const bytes = isTooLarge ? undefined : await readAtMost(download, LARGEST_SHOWN);
  if (bytes !== undefined) return bytes;
  const size = download.size === undefined ? 'larger' : formatSize(download.size);
  throw new GoferError(
    'INVALID_ARGUMENT',
    `object '${toSafeLine(key)}' is too large for ${what} (${size}; at most ${formatSize(LARGEST_SHOWN)}): write it to a file with --output FILE, or its bytes into a pipe`,
  );
}
