import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadServerConfig } from '@gofer/config';
import { startServer } from '@gofer/kernel';
import { builtInPlugins } from '../built-in-plugins.ts';
import { builtInExtensions } from '../extension/built-in-extensions.ts';

export interface TestServer {
  readonly url: string;
  /** Where external events are taken; undefined where they are not. */
  readonly externalEventsUrl: string | undefined;
  /** The server's log, line by line. */
  readonly log: readonly string[];
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

/** A real server on a free port with a directory of its own. `fake`: tasks do as the script says; `process`: they are real processes. */
export async function startTestServer(engine: 'fake' | 'process', flags: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'gofer-cli-test-'));
  const loaded = await loadServerConfig({
    environment: { XDG_STATE_HOME: directory },
    systemConfigPath: join(directory, 'none.toml'),
    homeDirectory: directory,
    flags: {
      'server.bind_address': '127.0.0.1:0',
      'external_events.enable': 'false',
      'extensions.install_std_extensions': 'false',
      'scheduler.engine': engine,
      'server.shutdown_timeout': '5s',
      ...flags,
    },
  });
  const log: string[] = [];
  const server = await startServer({
    loaded,
    builtIns: builtInPlugins,
    builtInExtensions: builtInExtensions({ node: process.execPath, env: {} }),
    metadata: { semver: '0.0.0-test', commit: 'test' },
    write: (line) => void log.push(line),
  }).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  return {
    url: server.url,
    externalEventsUrl: server.externalEventsUrl,
    log,
    async close() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
