import type { RequiredParentStatus } from '@gofer/contracts/pipeline';
import * as fc from 'fast-check';
import type { GraphTask } from './graph.ts';

/** Any acyclic graph of 1 to 20 tasks, whose order in the list says nothing about who waits for whom. */
export const anyGraph: fc.Arbitrary<readonly GraphTask[]> = fc.integer({ min: 1, max: 20 }).chain((count) => {
  const required = fc.constantFrom<RequiredParentStatus>('any', 'success', 'failure');
  const edges = fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1), required), { maxLength: 3 * count });
  const order = fc.shuffledSubarray(
    Array.from({ length: count }, (_, rank) => rank),
    { minLength: count },
  );
  return fc.tuple(edges, order).map(([pairs, ranks]) =>
    ranks.map((rank) => ({
      id: `t${rank}`,
      dependsOn: Object.fromEntries(
        pairs.filter(([child, parent]) => child === rank && parent < rank).map(([, parent, status]) => [`t${parent}`, status]),
      ),
    })),
  );
});
