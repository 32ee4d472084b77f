import { describe, expect, it } from 'vitest';
import { createColours } from '../output/presentation.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { cliReference } from './cli-reference.ts';
import { describeCommands } from './command-help.ts';
import { renderHelp } from './render-help.ts';

const options = { colours: createColours({ flag: false, environment: {}, isTerminal: false }), version: '1.2.3' };

describe('every command', () => {
  it.each(describeCommands().map((command) => [command.paths[0] ?? '', command] as const))('%s is documented', (path, command) => {
    expect(command.description).not.toBe('');
    expect(command.category).not.toBe('Other');
    expect(command.examples.length).toBeGreaterThan(0);
    expect(command.options.filter(({ description }) => description === '')).toEqual([]);
    const help = renderHelp([...path.split(' '), '--help'], options);
    expect(help).toContain(command.description);
    for (const { command: line } of command.examples) expect(help).toContain(line);
  });

  it('has paths of its own', () => {
    const paths = describeCommands().flatMap((command) => command.paths);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('of everything by %j', (argv) => {
    expect(renderHelp(argv, options)).toContain('pipeline config deploy');
  });

  it.each([[['run']], [['run', '-h']], [['help', 'run']]])('of a group by %j', (argv) => {
    const help = renderHelp(argv, options) ?? '';
    expect(help).toContain('run logs');
    expect(help).not.toContain('namespace list');
  });

  it('of another spelling', () => {
    expect(renderHelp(['taskexecution', 'get', '-h'], options)).toContain('gofer task get');
  });

  it('is not given where none is asked for', () => {
    expect(renderHelp(['run', 'list', 'simple'], options)).toBeUndefined();
    expect(renderHelp(['up', '--', '--help'], options)).toBeUndefined();
  });

  it('lists every environment variable of the server', () => {
    expect(renderHelp(['service', 'start', '-h'], options)).toContain('GOFER_WEB_SERVER__BIND_ADDRESS');
  });

  it('is in the reference, for all commands', () => {
    const reference = cliReference();
    for (const { paths } of describeCommands()) for (const path of paths) expect(reference).toContain(`gofer ${path}`);
  });
});

describe('arguments that fit no command', () => {
  it.each([
    [['rnu', 'list'], /no command "gofer rnu list"; did you mean "gofer run list"/],
    [['run', 'lst', 'simple'], /did you mean "gofer run list"/],
    [['run', 'cancel', 'simple', '1', '--wait-for'], /--wait-for needs a value/],
    [['task', 'logs', 'simple', '1', 'hello', '--tail', '-1'], /--tail needs a value; one that begins with - goes as --tail=-…/],
    [['run', 'get', 'simple'], /an argument is missing[\s\S]*gofer run get <pipeline> <run>/],
    [['run', 'get', 'simple', '1', '2'], /too many/],
    [['run', 'list', 'simple', '--limt', '3'], /no flag "--limt"; did you mean --limit\?\n/],
    [['run', 'list', 'simple', '--namspace', 'x'], /no flag "--namspace"; did you mean --namespace\?\n/],
    [['run', 'list', 'simple', '--nothing-like-it'], /no flag "--nothing-like-it"\n/],
    [
      ['token', 'create', 'ada', '--rols=admin'],
      /no flag "--rols=admin"; did you mean --roles\?\n|no flag "--rols"; did you mean --roles\?\n/,
    ],
    [['run', 'get', 'simple', 'one'], /a run must be a whole number from 1, not "one"/],
    [['run', 'start', 'simple', '-v', 'novalue', '-v', 'A=1', '-v', 'A=2'], /novalue: must be KEY=VALUE[\s\S]*A is given twice/],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await runInProcess(argv);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
