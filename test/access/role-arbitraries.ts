/** Random roles, those who hold them, and what they ask for: few names, so that they often meet, and many ways to write them. */
import { ACTIONS, RESOURCES, type Resource } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import type { ModelGrant, ModelIds, ModelPermission, ModelRole, ModelTarget } from './reference-model.ts';

/** Ids that exist: prefixes of each other, and different in the size of a letter only. */
export const GOOD_IDS = ['abc', 'abcd', 'abc-d', 'ABC', 'aBc', 'xabc', 'kelvin-s', 'default', 'default2'] as const;
/** Ids that nothing has, and that something might take for another. */
export const TRICKY_IDS = [
  'abc\n',
  'abc\nabc',
  '\nabc',
  'abc ',
  ' abc',
  'abc/abcd',
  'abc%2Fabcd',
  '%61bc',
  'abc:abcd',
  'abc|abcd',
  '^abc$',
  '.*',
  'abc\u0000',
  'abç',
  'äbc',
  // What ignoring case makes of K and s: the sign of Kelvin and the long s.
  '\u212aelvin-s',
  'kelvin-\u017f',
  '\u{1f600}',
  'undefined',
  'null',
  '__proto__',
  'constructor',
  '*',
] as const;

/** What a dot stands for in RE2. */
const DOT = '[^\\n]';
const meaning = (text: string, flags = 'u'): RegExp => new RegExp(`^(?:${text})$`, flags);

const goodId = fc.constantFrom(...GOOD_IDS);
const prefix = goodId.chain((id) => fc.integer({ min: 1, max: id.length }).map((length) => id.slice(0, length)));
const frame = fc.constantFrom(['', ''], ['^', ''], ['', '$'], ['^', '$']);

const framed = (core: fc.Arbitrary<{ text: string; means: string }>): fc.Arbitrary<ModelTarget> =>
  fc.tuple(frame, core).map(([[before, behind], { text, means }]) => ({ text: `${before}${text}${behind}`, means: meaning(means) }));

export const target: fc.Arbitrary<ModelTarget> = fc.oneof(
  framed(goodId.map((id) => ({ text: id, means: id }))),
  framed(prefix.map((start) => ({ text: `${start}.*`, means: `${start}${DOT}*` }))),
  framed(prefix.map((start) => ({ text: `.*${start}`, means: `${DOT}*${start}` }))),
  framed(prefix.map((start) => ({ text: `${start}.`, means: `${start}${DOT}` }))),
  // Everything, whatever it is.
  frame.map(([before, behind]) => ({ text: `${before}.*${behind}`, means: /^[^]*$/u })),
  framed(fc.constant({ text: '.+', means: `${DOT}+` })),
  framed(fc.constant({ text: '[a-z]+', means: '[a-z]+' })),
  // An anchor belongs to its own branch, and the whole id is asked for all the same.
  fc.tuple(goodId, goodId).map(([a, b]) => ({ text: `${a}|${b}`, means: meaning(`${a}|${b}`) })),
  fc.tuple(goodId, goodId).map(([a, b]) => ({ text: `^${a}$|^${b}`, means: meaning(`${a}|${b}`) })),
  fc.tuple(goodId, prefix).map(([a, b]) => ({ text: `(${a}|${b}.*)`, means: meaning(`${a}|${b}${DOT}*`) })),
  // These hold a colon.
  fc.tuple(goodId, goodId).map(([a, b]) => ({ text: `(?:${a}|${b})`, means: meaning(`${a}|${b}`) })),
  fc.tuple(goodId, goodId).map(([a, b]) => ({ text: `${a}:${b}`, means: meaning(`${a}:${b}`) })),
  goodId.map((id) => ({ text: `(?i)${id}`, means: meaning(id, 'iu') })),
  goodId.map((id) => ({ text: `(?i:${id})`, means: meaning(id, 'iu') })),
  // Line by line, a dot for everything: still the whole id.
  goodId.map((id) => ({ text: `(?m)^${id}$`, means: meaning(id) })),
  prefix.map((start) => ({ text: `(?s)${start}.*`, means: meaning(`${start}[^]*`) })),
);

const TARGETED: ReadonlySet<Resource> = new Set<Resource>(['namespaces', 'pipelines', 'extensions']);

export const grant: fc.Arbitrary<ModelGrant> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<Resource>('namespaces', 'pipelines') },
      { weight: 3, arbitrary: fc.constantFrom(...RESOURCES.filter((resource) => resource !== 'all')) },
      { weight: 1, arbitrary: fc.constant<Resource>('all') },
    ),
    fc.option(target, { nil: undefined, freq: 4 }),
  )
  .map(([resource, found]) => (found === undefined || !TARGETED.has(resource) ? { resource } : { resource, target: found }));

/** Wide ones are frequent: else hardly anything is ever granted. */
const WIDE: readonly ModelGrant[] = RESOURCES.filter((resource) => resource !== 'all' && !TARGETED.has(resource)).map((resource) => ({
  resource,
}));
const permission: fc.Arbitrary<ModelPermission> = fc
  .tuple(fc.array(grant, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.subarray([...ACTIONS], { minLength: 1 }))
  .map(([resources, isWide, actions]) => ({ resources: isWide ? [...resources, ...WIDE] : resources, actions }));
export const permissions = fc.array(permission, { maxLength: 3 });

export function rolesNamed(ids: readonly string[]): fc.Arbitrary<ModelRole[]> {
  return fc.tuple(...ids.map((id) => permissions.map((each) => ({ id, permissions: each }))));
}

export const anyId = fc.oneof({ weight: 3, arbitrary: goodId }, { weight: 1, arbitrary: fc.constantFrom(...TRICKY_IDS) });

/** Of each name a path may or may not have. */
export const ids: fc.Arbitrary<ModelIds> = fc.record(
  { namespace_id: fc.oneof(anyId, fc.constant('')), pipeline_id: fc.oneof(anyId, fc.constant('')), extension_id: anyId },
  { requiredKeys: [] },
);

/** In either form of the wire. */
export function toWire(given: readonly ModelPermission[], asObjects: boolean): object[] {
  return given.map(({ resources, actions }) => ({
    actions,
    resources: resources.map(({ resource, target: found }) => {
      if (asObjects) return { resource, ...(found === undefined ? {} : { target: found.text }) };
      return found === undefined ? resource : `${resource}:${found.text}`;
    }),
  }));
}
