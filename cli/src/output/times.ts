const UNITS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, milliseconds: number])[] = [
  ['year', 365.25 * 86_400_000],
  ['month', 30.44 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

let relative: Intl.RelativeTimeFormat | undefined;

/** "3 minutes ago"; `exact`: ISO 8601 in UTC. `time` in epoch milliseconds, 0 for what has not happened, which reads as `unset`. */
export function formatTime(time: number, options: { now: number; exact: boolean; unset?: string }): string {
  if (time === 0) return options.unset ?? 'never';
  if (options.exact) return new Date(time).toISOString();
  const distance = time - options.now;
  const unit = UNITS.find(([, milliseconds]) => Math.abs(distance) >= milliseconds);
  if (unit === undefined) return 'just now';
  relative ??= new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  return relative.format(Math.trunc(distance / unit[1]), unit[0]);
}

/** "430 ms", "2.1 s", "3 m 4 s", "2 h 5 m", "3 d 1 h"; both ends in epoch milliseconds, and what has not ended lasts until now. */
export function formatDuration(started: number, ended: number, now: number): string {
  if (started === 0) return '-';
  const milliseconds = Math.max(0, (ended === 0 ? now : ended) - started);
  if (milliseconds < 1_000) return `${milliseconds} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}
