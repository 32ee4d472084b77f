// `npm test`: every check there is, one after the other, with one count at the end. Plain JavaScript, since it starts under whatever
// Node the machine has; everything it runs is run by the Node that the package brings.
//
//   npm test                   everything
//   npm test -- kernel/src     only the tests whose path contains that
//
// Ends with the line `N passed, N failed` (`, N skipped`) and exits 0 only if nothing failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const filters = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };

if (!existsSync(join(bin, 'vitest'))) {
  run('npm ci', 'npm', ['ci', '--no-audit', '--no-fund']);
  if (counts.failed > 0) finish();
}
if (filters.length === 0) {
  check('types', 'tsc', ['--noEmit']);
  check('lint', 'oxlint', ['--type-aware', '--deny-warnings']);
  check('format', 'biome', ['check', '--reporter=summary', '.']);
  check('unused code and dependencies', 'knip', ['--no-progress']);
}
// What is tested is what users start; stale, the launcher would pass it over for the sources, which take three times as long to begin.
run('bundle', join(bin, 'node'), ['cli/build/bundle.ts']);
runTests();
finish();

/** A tool of the package, as one check: its output is shown only when it fails. */
function check(title, tool, toolArguments) {
  run(title, join(bin, tool), toolArguments);
}

function run(title, command, commandArguments) {
  const started = performance.now();
  const result = spawnSync(command, commandArguments, { cwd: root, encoding: 'utf8', env: environment(), maxBuffer: 64 * 1024 * 1024 });
  const passed = result.status === 0;
  counts[passed ? 'passed' : 'failed'] += 1;
  console.log(`${passed ? '✓' : '✗'} ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!passed) console.log([result.stdout, result.stderr, result.error?.message].filter(Boolean).join('\n'));
}

function runTests() {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-check-'));
  const report = join(directory, 'tests.json');
  try {
    const result = spawnSync(
      join(bin, 'vitest'),
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
      {
        cwd: root,
        env: environment(),
        stdio: 'inherit',
      },
    );
    count(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined, result.status);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function count(report, status) {
  if (report === undefined) {
    counts.failed += 1;
    console.log('✗ the test runner ended without a report');
    return;
  }
  const skipped = [];
  for (const file of report.testResults) {
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) counts.failed += 1;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else {
        counts.skipped += 1;
        skipped.push(`${relative(root, file.name)}: ${test.fullName}`);
      }
    }
  }
  if (status !== 0 && counts.failed === 0) {
    counts.failed += 1;
    console.log('✗ the test runner failed outside the tests; see above');
  }
  if (skipped.length > 0) console.log(`\nSkipped:\n  ${skipped.join('\n  ')}`);
}

function environment() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
}

function finish() {
  const { passed, failed, skipped } = counts;
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(failed === 0 ? 0 : 1);
}
