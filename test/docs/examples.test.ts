/** What the documentation shows is run: commands against a real server, pipelines by the command, the plugin by the conformance suite. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocsServer } from './docs-server.ts';
import { type CodeBlock, ROOT, readPages } from './markdown.ts';

/** Its blocks are usages and the examples of the help, which the command's own tests run. */
const TESTED_ELSEWHERE = new Set(['docs/cli.md']);
const run = promisify(execFile);
const isShell = ({ language, notRun }: CodeBlock): boolean => (language === 'sh' || language === 'console') && notRun === undefined;

const pages = readPages().filter(({ name }) => !TESTED_ELSEWHERE.has(name));
const blocks = (language: string) => pages.flatMap((page) => page.blocks.filter((block) => block.language === language));

describe.concurrent('commands of', () => {
  const withCommands = pages.filter((page) => page.blocks.some(isShell));
  it.each(withCommands.map((page) => [page.name, page] as const))('%s do what it says', async (_name, page) => {
    const docs = await DocsServer.open();
    const faults: string[] = [];
    try {
      for (const block of page.blocks.filter(isShell)) {
        faults.push(...(block.language === 'sh' ? await runScript(docs, block) : await runSession(docs, block)));
      }
    } finally {
      await docs.close();
    }
    expect(faults.join('\n\n')).toBe('');
  });

  it('README find a task again after the server was restarted', async () => {
    const docs = await DocsServer.open();
    try {
      await docs.run('npx gofer up examples/debug-wait && npx gofer run start debug-wait --variable WAIT=6');
      const log = 'http://localhost:8080/api/namespaces/default/pipelines/debug-wait/runs/1/tasks/wait/logs/raw';
      await docs.run(`until curl -s -H 'gofer-api-version: v0' ${log} | grep -q Waiting; do sleep 0.1; done`);
      await docs.stop();
      expect(await docs.start()).toContain('"resumedRuns":1');
      const { code, output } = await docs.run('npx gofer run logs debug-wait 1');
      expect(output).toContain('wait │ Waiting for 6 seconds.\nwait │ Done.');
      expect(code).toBe(0);
    } finally {
      await docs.close();
    }
  });
});

/** Resolves with what did not go as the page says. */
async function runScript(docs: DocsServer, block: CodeBlock): Promise<string[]> {
  const { code, output } = await docs.run(block.text);
  return code === block.exitCode ? [] : [`${block.at}: exit code ${code}, not ${block.exitCode}; printed:\n${output}`];
}

/** Each `$ command` is run; what the page shows of its output must be in it, as far as numbers, times and `…` let that be compared. */
async function runSession(docs: DocsServer, block: CodeBlock): Promise<string[]> {
  const faults: string[] = [];
  const steps = block.text.split(/^\$ /m).slice(1);
  for (const [index, step] of steps.entries()) {
    const [command = '', ...shown] = step.trimEnd().split('\n');
    const expected = index === steps.length - 1 ? block.exitCode : 0;
    const { code, output } = await docs.run(command);
    if (code !== expected) faults.push(`${block.at}: ${command}\nexit code ${code}, not ${expected}; printed:\n${output}`);
    const printed = comparable(output);
    for (const line of shown.filter((text) => text.trim() !== '')) {
      if (!isIn(printed, comparable(line).split('…'))) faults.push(`${block.at}: ${command}\ndid not print: ${line}\nbut:\n${output}`);
    }
  }
  return faults;
}

/** True where one line has all the parts, in this order. */
function isIn(printed: string, parts: readonly string[]): boolean {
  return printed.split('\n').some((line) => {
    let at = 0;
    return parts.every((part) => {
      const found = line.indexOf(part, at);
      at = found + part.length;
      return found !== -1;
    });
  });
}

/** Without what differs from run to run. */
function comparable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\d+(\.\d+)? (ms|s|min)\b/g, 'TIME')
    .replace(/\d+/g, '0')
    .replace(/[ \t]+/g, ' ');
}

describe.concurrent('programs', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docs-'));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(blocks('ts').map((block) => [block.at, block] as const))('%s compiles, and is a pipeline', async (at, block) => {
    const file = join(directory, `${at.replace(/\W/g, '-')}.ts`);
    await writeFile(file, block.text);
    const compiler = ['--noEmit', '--ignoreConfig', '--strict', '--module', 'nodenext', '--target', 'esnext', '--skipLibCheck'];
    const options = [...compiler, '--allowImportingTsExtensions', '--types', 'node'];
    await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, file], { cwd: directory });
    const up = await run(process.execPath, [join(ROOT, 'cli/bin/gofer.mjs'), 'up', file, '--dry-run', '--output-format', 'json']);
    expect(JSON.parse(up.stdout)).toHaveProperty('tasks');
  });

  it('of docs/plugins.md is a scheduler by every law, and runs a pipeline', async () => {
    const [plugin, suite] = pages.find(({ name }) => name === 'docs/plugins.md')?.blocks.filter(({ language }) => language === 'js') ?? [];
    await writeFile(join(directory, 'shell-scheduler.js'), plugin?.text ?? '');
    await writeFile(join(directory, 'check.js'), suite?.text ?? '');
    const checked = await run(process.execPath, ['check.js'], { cwd: directory });
    expect(checked.stdout).toBe('');

    const docs = await DocsServer.open(['--scheduler', join(directory, 'shell-scheduler.js')]);
    try {
      const { code, output } = await docs.run('npx gofer up examples/diamond && npx gofer run start diamond --follow');
      expect(output).toContain('publish │ done');
      expect(code).toBe(0);
    } finally {
      await docs.close();
    }
  });
});
