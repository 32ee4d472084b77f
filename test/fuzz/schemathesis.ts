/** schemathesis as a process of its own, beside a server: asked for, run to its end, and what came of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROUTES } from '@gofer/contracts/api';

/** For whom; `hooks.py` knows them. */
export type Caller = 'admin' | 'role' | 'none' | 'wrong' | 'bypassed';

export interface Fuzz {
  readonly url: string;
  readonly caller: Caller;
  readonly token?: string;
  readonly phases: readonly ('coverage' | 'fuzzing' | 'stateful')[];
  /** Of each operation, in the phases that are random. */
  readonly examples: number;
  readonly seed: number;
  readonly limitMs: number;
}

export interface Findings {
  readonly code: number | null;
  /** What it says of failures, and its summary. */
  readonly output: string;
  /** How often each operation was answered with each status. */
  readonly statuses: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const HERE = import.meta.dirname;
const VENV = process.env['GOFER_FUZZ_VENV'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gofer', 'fuzz-venv');

const WEB_SOCKETS = Object.entries(ROUTES).flatMap(([id, { kind }]) => (kind === 'websocket' ? [id] : []));
/** Those that are asked for. */
export const OPERATIONS = Object.keys(ROUTES).filter((id) => !WEB_SOCKETS.includes(id));

/** Why it cannot be run here; undefined where it can. */
export function missingSchemathesis(): string | undefined {
  const read = (path: string) => readFileSync(path, 'utf8');
  try {
    if (read(join(VENV, 'requirements.txt')) === read(join(HERE, 'requirements.txt'))) return undefined;
    return `schemathesis in ${VENV} is of another version; run test/fuzz/install.sh`;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    return `there is no schemathesis in ${VENV}; run test/fuzz/install.sh`;
  }
}

/**
 * Valid requests need not be accepted: that names are of the right letters, or that things exist, is not in the schemas. All else is
 * checked, but for credentials where none are asked for.
 */
export async function runSchemathesis({ url, caller, token, phases, examples, seed, limitMs }: Fuzz): Promise<Findings> {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-fuzz-'));
  const report = join(directory, 'statuses.json');
  const notChecked = ['positive_data_acceptance', ...(caller === 'bypassed' ? ['ignored_auth', 'missing_required_header'] : [])];
  const argv = [
    `--config-file=${join(HERE, 'schemathesis.toml')}`,
    'run',
    `${url}/api/openapi.json`,
    `--url=${url}`,
    '--no-color',
    `--seed=${seed}`,
    `--max-examples=${examples}`,
    `--phases=${phases.join(',')}`,
    `--exclude-checks=${notChecked.join(',')}`,
    ...WEB_SOCKETS.map((id) => `--exclude-operation-id=${id}`),
    ...(caller === 'bypassed' ? ['--generation-with-security-parameters=false'] : []),
    ...(token === undefined ? [] : [`--header=Authorization: Bearer ${token}`]),
  ];
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    PYTHONPATH: HERE,
    SCHEMATHESIS_HOOKS: 'hooks',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUTF8: '1',
    GOFER_FUZZ_AS: caller,
    GOFER_FUZZ_REPORT: report,
  };
  const late = AbortSignal.timeout(limitMs);
  try {
    const child = spawn(join(VENV, 'bin', 'schemathesis'), argv, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    late.addEventListener('abort', () => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (late.aborted) output += `\nIt was ended after ${limitMs} ms.`;
    return { code, output, statuses: existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {} };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
