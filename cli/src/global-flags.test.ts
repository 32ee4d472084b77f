import { codeOf } from '@gofer/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractGlobalFlags } from './global-flags.ts';

describe('global flags', () => {
  it('are taken from anywhere, before the command too', () => {
    const { flags, rest } = extractGlobalFlags(['--namespace', 'team-a', 'run', '--detail', 'list', 'simple', '--output-format=json']);
    expect(flags).toEqual({ namespace: 'team-a', detail: true, outputFormat: 'json' });
    expect(rest).toEqual(['run', 'list', 'simple']);
  });

  it('end at --', () => {
    expect(extractGlobalFlags(['up', '--', '--debug'])).toEqual({ flags: {}, rest: ['up', '--', '--debug'] });
  });

  it('take the last value', () => {
    expect(extractGlobalFlags(['--token', 'one', '--token=two']).flags).toEqual({ token: 'two' });
    expect(extractGlobalFlags(['--color', '--no-color']).flags).toEqual({ color: false });
  });

  it.each([[['--namespace']], [['--namespace', '--detail']], [['--output-format', 'yaml']], [['--detail=perhaps']]])(
    'refuse %j',
    (argv) => {
      let code: string | undefined;
      try {
        extractGlobalFlags(argv);
      } catch (error) {
        code = codeOf(error);
      }
      expect(code).toBe('INVALID_ARGUMENT');
    },
  );

  it("never change a command's own arguments or their order", () => {
    const own = fc.array(fc.string().filter((word) => !word.startsWith('--')));
    const globals = fc.array(fc.constantFrom<string[]>(['--detail'], ['--debug'], ['--namespace', 'x'], ['--host=h:1']));
    fc.assert(
      fc.property(own, globals, fc.infiniteStream(fc.nat()), (words, flags, positions) => {
        const argv = words.map((word) => [word]);
        for (const flag of flags) argv.splice((positions.next().value as number) % (argv.length + 1), 0, flag);
        expect(extractGlobalFlags(argv.flat()).rest).toEqual(words);
      }),
    );
  });
});
