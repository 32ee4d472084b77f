/** No run is lost when the way to the Docker engine is cut; the short form of `npm run soak -- --part engine-cut`. */
import { expect, it } from 'vitest';
import { describePrivateDocker } from '../backends/private-docker-engine.ts';
import { engineRestart } from './engine-restart.ts';

await describePrivateDocker('a Docker engine to which the way is cut', () => {
  it('goes on, and every task has its real end', { timeout: 180_000 }, async () => {
    const { figures, faults } = await engineRestart({ what: 'cut', seed: 3, timesOfATrial: 5, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['tasks that ran']).toBeGreaterThan(0);
  });
});
