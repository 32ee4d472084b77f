/**
 * Why nothing runs twice after the power has failed, without waiting for the disk at each start. The journal's last lines may be missing
 * then, so an attempt that it does not name may have been started. But a time-ordered uuid (RFC 9562, version 7) tells when it was made:
 * after a restart of the machine that no supervisor saw coming, an unknown attempt made before that restart is refused as lost. Attempts
 * with other ids wait for the disk.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** When an attempt's id was made, epoch milliseconds; undefined where the id does not tell. */
export function creationTimeOf(attempt: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(attempt);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}

/** Names the present boot of the machine; empty where the system has no name for it. */
export function bootId(): string {
  return process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';
}

/** When the machine was started, epoch milliseconds. */
export function bootTime(): number {
  return Date.now() - uptime() * 1000;
}

/** Whether the machine was restarted since a supervisor began. */
export function wasRestartedSince(opened: { readonly at: number; readonly boot: string }): boolean {
  const boot = bootId();
  return boot === '' || opened.boot === '' ? opened.at < bootTime() : opened.boot !== boot;
}
