/** An extension as a process: what the server tells it in its environment, and how it ends. */
import { closeSync, writeSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { exchange } from './exchange.ts';
import type { Extension, ExtensionFactory } from './extension.ts';
import { type ExtensionSettings, forgetSecrets, readExtensionSettings } from './extension-settings.ts';
import { createJsonLog, describe } from './json-log.ts';
import { createRealClock } from './real-clock.ts';
import { startExtension } from './start-extension.ts';

export interface ServeExtensionOptions {
  /** Bytes of JSON that an external event may have; default 140 MiB, which a body of 25 MiB fits into. */
  readonly externalEventLimit?: number;
}

/**
 * Serves an extension until the process is asked to end (SIGTERM, SIGINT, `POST /api/shutdown`), and ends the process. What cannot be
 * started ends it with exit code 1 and one line in the log. To be called once, as the last thing that a program does.
 */
export async function serveExtension(extension: Extension | ExtensionFactory, options: ServeExtensionOptions = {}): Promise<never> {
  const clock = createRealClock();
  const write = (line: string): void => void process.stdout.write(line);
  let log = createJsonLog('info', write, Date.now);
  // Whoever read the log has gone first: that must not keep the extension from ending well.
  process.stdout.on('error', () => {});
  process.on('uncaughtExceptionMonitor', (error) => log('error', 'the extension ends by an error that nobody caught', { error }));
  try {
    const settings = readExtensionSettings(process.env);
    forgetSecrets(process.env);
    log = createJsonLog(settings.logLevel, write, Date.now);
    if (settings.goferCa !== undefined) setDefaultCACertificates([...getCACertificates('default'), settings.goferCa]);
    const factory: ExtensionFactory = typeof extension === 'function' ? extension : () => extension;
    const surroundings = { clock, exchange, WebSocket, random: Math.random, log };
    const served = await startExtension(factory, settings, surroundings, options.externalEventLimit);
    const stop = (): void => void served.stop();
    process.once('SIGTERM', stop).once('SIGINT', stop);
    if (settings.endsWithInput) process.stdin.on('error', stop).once('close', stop).once('end', stop).resume();
    announce(settings, served.url);
    log('info', 'the extension is ready', { extension_id: settings.id, url: served.url });
    await served.ended;
    log('info', 'the extension has ended', { extension_id: settings.id });
  } catch (error) {
    // Of a mistake in the code whoever wrote it needs the place; what a setting lacks is said by the message alone.
    const isMistake = error instanceof TypeError || error instanceof ReferenceError;
    log('error', `the extension could not be started: ${describe(error)}`, isMistake ? { error } : {});
    return await exit(1);
  }
  return await exit(0);
}

function announce({ announceFd }: ExtensionSettings, url: string): void {
  if (announceFd === undefined) return;
  writeSync(announceFd, `${JSON.stringify({ url })}\n`);
  if (announceFd > 2) closeSync(announceFd);
}

/** A pipe takes what is written at its own pace, and `exit` would not wait for it. */
async function exit(code: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}
