import { parseDuration } from '@gofer/config';

/** Seconds of `3600`, of a duration as in the configuration (`12h`, `1h30m`), and of one with days before it (`30d`, `1d12h`); undefined where it is none. */
export function parseLength(text: string): number | undefined {
  if (/^\d{1,15}$/u.test(text)) return Number(text);
  const [, days, rest = ''] = /^(\d{1,9})d(.*)$/su.exec(text) ?? [];
  if (days === undefined) return parseDuration(text);
  const seconds = rest === '' ? 0 : parseDuration(rest);
  return seconds === undefined ? undefined : Number(days) * 86_400 + seconds;
}
