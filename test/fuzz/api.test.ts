/**
 * The API against its own document, asked by schemathesis with valid and with malformed requests: no answer that the document does not
 * have, in status, media type, schema or fields, and none of 5XX that it has no number for. What is asked is the same every time, but
 * for ids that the server makes up.
 *
 * `GOFER_FUZZ_EXAMPLES` (of each operation) and `GOFER_FUZZ_SEED` ask for more, and for others.
 */
import { expect, it } from 'vitest';
import { describeNeeding } from '../backends/describe-needing.ts';
import { startFuzzServer } from './fuzz-server.ts';
import { type Findings, type Fuzz, missingSchemathesis, OPERATIONS, runSchemathesis } from './schemathesis.ts';

const EXAMPLES = Number(process.env['GOFER_FUZZ_EXAMPLES'] ?? 6);
const SEED = Number(process.env['GOFER_FUZZ_SEED'] ?? 1);
const LIMIT_MS = 100_000 + 20_000 * EXAMPLES;
const LONGEST_OUTPUT = 20_000;

/** One after the other: each has a server of its own, and two processes are enough. */
async function fuzz(fuzzed: Pick<Fuzz, 'caller' | 'phases'>, examples = EXAMPLES): Promise<Findings> {
  const { server, token } = await startFuzzServer(fuzzed.caller);
  try {
    const asked = { ...fuzzed, url: server.url, examples, seed: SEED, limitMs: LIMIT_MS };
    const findings = await runSchemathesis(token === undefined ? asked : { ...asked, token });
    expect({ ...findings, output: findings.code === 0 ? '' : findings.output.slice(0, LONGEST_OUTPUT), statuses: {} }).toEqual({
      code: 0,
      output: '',
      statuses: {},
    });
    expect(server.log.filter((line) => /ERROR|FATAL/.test(line))).toEqual([]);
    expect(await server.end('SIGTERM')).toBe(0);
    return findings;
  } finally {
    await server.close();
  }
}

/** Chance decides which are reached at all: of these nearly all must be, or the fuzz says little. */
function withoutSuccess({ statuses }: Findings): string[] {
  return OPERATIONS.filter((id) => Object.keys(statuses[id] ?? {}).every((status) => Number(status) >= 400));
}

describeNeeding('schemathesis', 'the API as its document says', missingSchemathesis(), () => {
  it.each([
    { caller: 'bypassed', phases: ['fuzzing', 'stateful'] },
    { caller: 'admin', phases: ['coverage', 'fuzzing', 'stateful'] },
  ] as const)(
    'to the caller "$caller", who may do everything',
    async (fuzzed) => {
      const unreached = withoutSuccess(await fuzz(fuzzed));
      expect(unreached.length > OPERATIONS.length / 5 ? unreached : []).toEqual([]);
    },
    LIMIT_MS + 60_000,
  );

  it.each(['role', 'none', 'wrong'] as const)(
    'to the caller "%s", who may do little or nothing',
    async (caller) => {
      const { statuses } = await fuzz({ caller, phases: ['fuzzing'] }, Math.ceil(EXAMPLES / 4));
      expect(OPERATIONS.filter((id) => statuses[id] === undefined)).toEqual([]);
    },
    LIMIT_MS + 60_000,
  );
});
