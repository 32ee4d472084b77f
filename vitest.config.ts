import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    isolate: false,
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Its ES modules import a folder, which only a bundler resolves; Node itself takes its CommonJS ones.
    server: { deps: { inline: ['clipanion'] } },
    reporters: ['default'],
  },
});
