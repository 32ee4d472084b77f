/** No run is lost when the Docker engine goes away; the short form of `npm run soak -- --part engine-restart` and its sisters. */
import { expect, it } from 'vitest';
import { describePrivateDocker } from '../backends/private-docker-engine.ts';
import { engineRestart } from './engine-restart.ts';

await describePrivateDocker('a Docker engine that goes away', () => {
  it('with live-restore: every task has its real end', { timeout: 180_000 }, async () => {
    const { figures, faults } = await engineRestart({ what: 'live-restore', seed: 1, timesOfATrial: 2, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['tasks that ran']).toBeGreaterThan(0);
  });

  it('without: what died with it has failed and says so, and everything else has its real end', { timeout: 180_000 }, async () => {
    const { figures, faults } = await engineRestart({ what: 'restart', seed: 1, timesOfATrial: 2, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['tasks that ran']).toBeGreaterThan(0);
  });

  it('only for its client: every task has its real end', { timeout: 180_000 }, async () => {
    const { figures, faults } = await engineRestart({ what: 'cut', seed: 1, timesOfATrial: 3, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['tasks that ran']).toBeGreaterThan(0);
  });
});
