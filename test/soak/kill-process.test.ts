/** No run is lost and none runs twice when the server is killed; the short form of `npm run soak -- --part kill-process`. */
import { describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { killProcess } from './kill-process.ts';

describe('a server that is killed at random moments', () => {
  it('loses no run and runs nothing twice (processes, 5 kills)', { timeout: 180_000 }, async () => {
    const { figures, faults } = await killProcess({ engine: 'process', seed: 1, killsOfATrial: 5, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['runs accepted']).toBeGreaterThan(0);
  });
});

await describeDocker('a server that is killed at random moments', () => {
  it('loses no run and runs nothing twice (containers, 3 kills)', { timeout: 180_000 }, async () => {
    const { figures, faults } = await killProcess({ engine: 'docker', seed: 1, killsOfATrial: 3, end: 0 });
    expect(faults).toEqual([]);
    expect(figures['runs accepted']).toBeGreaterThan(0);
  });
});
