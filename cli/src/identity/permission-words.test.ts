import { GoferError } from '@gofer/contracts';
import { ACTIONS, RESOURCE_TARGETS, RESOURCES, type RolePermission } from '@gofer/contracts/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPermission, parsePermissions } from './permission-words.ts';

const parse = (text: string) => parsePermissions([text], '--permission')[0];
function faultsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof GoferError) return error.details.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe('a permission', () => {
  it.each<[string, string[], string[]]>([
    ['runs=read', ['runs'], ['read']],
    ['namespaces:^devops.*,pipelines:.*=read,write,delete', ['namespaces:^devops.*', 'pipelines:.*'], ['read', 'write', 'delete']],
    ['Namespaces:a , RUNS = Delete , read', ['namespaces:a ', 'runs'], ['read', 'delete']],
    ['namespaces:,pipelines=read,read', ['namespaces', 'pipelines'], ['read']],
    ['pipelines:(?:a|b):c=d,{1,3}=e,runs=read', ['pipelines:(?:a|b):c=d,{1,3}=e', 'runs'], ['read']],
    ['pipelines:x{2,},namespaces:[a,b],all=write', ['pipelines:x{2,}', 'namespaces:[a,b]', 'all'], ['write']],
    [String.raw`pipelines:a\,runs,runs=read`, [String.raw`pipelines:a\,runs`, 'runs'], ['read']],
    [String.raw`pipelines:a\\,runs=read`, [String.raw`pipelines:a\\`, 'runs'], ['read']],
    ['task_executions=read', ['task_executions'], ['read']],
  ])('%s', (text, resources, actions) => {
    expect(parse(text)).toEqual({ resources, actions });
  });

  it.each([
    ['', /must be RESOURCE/u],
    ['runs', /must be RESOURCE\[:TARGET\]/u],
    ['=read', /a resource is missing; each is one of all, configs/u],
    ['runs,=read', /"" is no resource|a resource is missing|"runs," is no resource/u],
    ['runs=', /an action is missing; each is one of read, write, delete/u],
    ['runs=read,', /an action is missing/u],
    ['runs=reed', /"reed" is no action; it is one of read, write, delete/u],
    ['pipelines:a=b', /"b" is no action/u],
    ['run=read', /"run" is no resource; did you mean runs\?/u],
    [
      'namespaces:x,pipeline:y=read',
      /"pipeline" is no resource; did you mean pipelines\? A comma that belongs to a target is written \\,/u,
    ],
    ['runs:5=read', /runs has no targets, only namespaces, pipelines, extensions have: write runs alone/u],
    ['namespaces:a,b=read', /"b" is no resource/u],
    ['nonsense=read', /it is one of all, .*, tokens\. A comma that belongs/u],
  ])('%j is refused', (text, message) => {
    expect(faultsOf(text).join('\n')).toMatch(message);
    expect(faultsOf(text)[0]).toMatch(/^--permission /u);
  });

  it('is refused with all of its faults, and all others', () => {
    expect(() => parsePermissions(['run=reed', 'x'], '-p')).toThrow(
      expect.objectContaining({ details: [expect.anything(), expect.anything(), expect.anything()] }),
    );
  });

  const targeted = fc.constantFrom(...Object.keys(RESOURCE_TARGETS));
  const plain = fc.constantFrom(...RESOURCES.filter((name) => !Object.hasOwn(RESOURCE_TARGETS, name)));
  const piece = fc.constantFrom(',', ':', '=', '\\', '^', '.*', 'a', 'runs', 'pipelines', '{1,2}', ' ', '[,]', ',runs', ',x:', '\n', 'ü');
  const target = fc
    .oneof(
      fc.string({ minLength: 1 }),
      fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join('')),
    )
    .filter((text) => (/\\*$/u.exec(text)?.[0].length ?? 0) % 2 === 0);
  const resource = fc.oneof(
    plain,
    targeted,
    fc.tuple(targeted, target).map(([name, text]) => `${name}:${text}`),
  );
  const actions = fc.subarray([...ACTIONS], { minLength: 1 });
  const permission: fc.Arbitrary<RolePermission> = fc.record({ resources: fc.array(resource, { minLength: 1, maxLength: 4 }), actions });

  it('is read as it was written, whatever its targets hold', () => {
    fc.assert(
      fc.property(permission, (given) => {
        const written = formatPermission(given);
        const read = parse(written);
        // A backslash before a comma is all that may be added, and writing again adds none.
        expect(read?.actions).toEqual(given.actions);
        expect(read?.resources.map(withoutEscapes)).toEqual(given.resources.map(withoutEscapes));
        expect(formatPermission(read ?? given)).toBe(written);
        if (!given.resources.some((text) => /,\s*[A-Za-z_]+\s*(?:[,:]|$)/u.test(text))) expect(read).toEqual(given);
      }),
    );
  });

  it('means the same with backslashes', () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'b', ',', 'runs', '-') });
    const pattern = fc.array(fc.constantFrom('a', 'b', '.*', ',', ',runs', '[ab]', '(?:a|b)', '-'), { minLength: 1 });
    fc.assert(
      fc.property(pattern, id, (pieces, text) => {
        const before = pieces.join('');
        const after = parse(formatPermission({ resources: [`pipelines:${before}`], actions: ['read'] }))?.resources[0]?.slice(10) ?? '';
        expect(new RegExp(`^(?:${after})$`).test(text)).toBe(new RegExp(`^(?:${before})$`).test(text));
      }),
    );
  });

  it('is never read as something else than it says', () => {
    const words = fc.array(fc.constantFrom(...RESOURCES, ',', ':', '=', ' ', 'read', 'x', '\\', '.*'), { maxLength: 12 });
    fc.assert(
      fc.property(words, (pieces) => {
        const text = pieces.join('');
        if (faultsOf(text).length > 0) return;
        const read = parse(text);
        expect(read?.actions.length).toBeGreaterThan(0);
        for (const each of read?.resources ?? []) expect(RESOURCES).toContain(each.split(':')[0]);
        expect(parse(formatPermission(read ?? { resources: [], actions: [] }))).toEqual(read);
      }),
    );
  });
});

function withoutEscapes(text: string): string {
  return text.replaceAll(/\\+,/gu, ',');
}
