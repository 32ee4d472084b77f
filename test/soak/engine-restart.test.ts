/** No run is lost when the Docker engine goes away; the short form of `npm run soak` with the parts `engine-…`. */
import { expect, it } from 'vitest';
import { describePrivateDocker } from '../backends/private-docker-engine.ts';
import { engineRestart } from './engine-restart.ts';

await describePrivateDocker('a Docker engine that goes away', () => {
  for (const [what, timesOfATrial] of [
    ['cut', 3],
    ['restart', 1],
    ['live-restore', 1],
  ] as const) {
    it(`(${what}) costs no run, and every task has its real end`, { timeout: 180_000 }, async () => {
      const { figures, faults } = await engineRestart({ what, seed: 3, timesOfATrial, end: 0 });
      expect(faults).toEqual([]);
      expect(figures['runs accepted']).toBeGreaterThan(0);
    });
  }
});
