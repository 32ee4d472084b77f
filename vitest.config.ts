import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Each thread of a server strips the types of what it loads, with WebAssembly, and V8 may crash in a process where many such threads come
// and go: nodejs/node#64500. With a cache each file is stripped once.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compile');

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    isolate: false,
    pool: 'forks',
    // What is garbage must not count as held where a test measures memory.
    execArgv: ['--expose-gc'],
    // Many tests wait for an engine or for processes: three at a time, on two processors too.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Its ES modules import a folder, which only a bundler resolves; Node itself takes its CommonJS ones.
    server: { deps: { inline: ['clipanion'] } },
    reporters: ['default'],
  },
});
