/**
 * `npm run soak -- --duration 10m [--part PART]… [--seed N] [--runs N] [--summary FILE]`: the long form of the proof that no run is lost.
 * The duration is that of each part that simulates, kills or restarts; `--runs` is the size of the others. Prints the figures in Markdown, writes
 * them as JSON, and ends with 1 where there is a fault. SIGINT ends it, and what it has begun, after the disturbance that is under way.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { dayLoad } from './day-load.ts';
import { engineRestart } from './engine-restart.ts';
import { type Figures, toTable } from './figures.ts';
import { killProcess } from './kill-process.ts';
import { simulated } from './simulated.ts';
import { ticks } from './ticks.ts';
import { unfinishedRuns } from './unfinished-runs.ts';

interface Wanted {
  readonly seed: number;
  readonly durationMs: number;
  readonly runs: number | undefined;
  readonly signal: AbortSignal;
}

const KILLS_OF_A_TRIAL = { process: 25, docker: 10 };
const RESTARTS_OF_A_TRIAL = 5;

const PARTS: Readonly<Record<string, (wanted: Wanted) => Promise<Figures>>> = {
  simulation: ({ seed, durationMs }) => simulated(seed, Date.now() + durationMs),
  'kill-process': ({ seed, durationMs, signal }) =>
    killProcess({ engine: 'process', seed, killsOfATrial: KILLS_OF_A_TRIAL.process, end: Date.now() + durationMs, signal }),
  'kill-docker': ({ seed, durationMs, signal }) =>
    killProcess({ engine: 'docker', seed, killsOfATrial: KILLS_OF_A_TRIAL.docker, end: Date.now() + durationMs, signal }),
  'engine-restart': (wanted) => restarts('restart', wanted),
  'engine-live-restore': (wanted) => restarts('live-restore', wanted),
  'engine-cut': (wanted) => restarts('cut', wanted),
  'day-load': ({ runs = 100_000 }) => dayLoad(runs),
  ticks: ({ durationMs }) => ticks({ crons: 1000, intervals: 100, durationMs }),
  'extension-kills': ({ durationMs }) => ticks({ crons: 0, intervals: 100, durationMs, kills: 50 }),
  'unfinished-runs': ({ runs = 10_000 }) => unfinishedRuns(runs),
};

function restarts(what: 'restart' | 'live-restore' | 'cut', { seed, durationMs, signal }: Wanted): Promise<Figures> {
  return engineRestart({ what, seed, timesOfATrial: RESTARTS_OF_A_TRIAL, end: Date.now() + durationMs, signal });
}

const { values } = parseArgs({
  options: {
    duration: { type: 'string', default: '10m' },
    part: { type: 'string', multiple: true, default: Object.keys(PARTS) },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    runs: { type: 'string' },
    summary: { type: 'string', default: 'soak.json' },
  },
});
const unknown = values.part.filter((part) => PARTS[part] === undefined);
if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort(new Error('interrupted')));
const wanted = {
  signal: interruption.signal,
  seed: whole(values.seed),
  durationMs: toMilliseconds(values.duration),
  runs: values.runs === undefined ? undefined : whole(values.runs),
};
const summary: Record<string, Figures> = {};
for (const [part, prove] of Object.entries(PARTS)) {
  if (!values.part.includes(part)) continue;
  const { figures, faults } = await prove(wanted);
  summary[part] = { figures, faults };
  console.log(`${toTable(part, summary[part])}\n`);
  writeFileSync(values.summary, `${JSON.stringify(summary, undefined, 2)}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is no whole number`);
  return Number(text);
}

/** Of `90s`, `10m` or `2h`. */
function toMilliseconds(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smh])$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3_600 }[unit];
  if (count === undefined || seconds === undefined) throw new Error(`${text} is no duration such as 90s, 10m or 2h`);
  return Number(count) * seconds * 1_000;
}
