import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    isolate: false,
    pool: 'forks',
    // What is garbage must not count as held where a test measures memory.
    execArgv: ['--expose-gc'],
    // Many tests wait for an engine or for processes: two at a time, on two processors too.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Its ES modules import a folder, which only a bundler resolves; Node itself takes its CommonJS ones.
    server: { deps: { inline: ['clipanion'] } },
    reporters: ['default'],
  },
});
