/** The sections whose back ends are plugins: the section's own keys, and the blocks of the built-in plugins. */
import * as Type from 'typebox';
import { count, duration, flag, path, secret, table, text } from './setting.ts';

/** Engines that come with the server; any other `engine` is a path or a package. */
export const BUILT_IN_ENGINES = {
  scheduler: ['docker', 'process', 'fake', 'auto'],
  object_store: ['sqlite', 'filesystem'],
  secret_store: ['sqlite'],
  auth: ['token'],
} as const;

/** The key that the documentation shows as an example, and that is therefore no secret. */
export const SAMPLE_ENCRYPTION_KEY = 'changemechangemechangemechangeme';

const OF_PLUGIN = { pluginBlock: true } as const;

export const schedulerSchema = table(
  'What runs the tasks, and where.',
  {
    engine: text(
      'docker, process (child processes of this machine, not isolated), fake (nothing runs), auto (docker if it answers, else process), or the path or package of a plugin.',
      { default: 'docker', developmentDefault: 'auto' },
    ),
    max_running_tasks: count('How many tasks may run at once in all. 0 is unlimited.', { default: 64 }),
    docker: table(
      'The Docker engine.',
      {
        prune: flag('Remove containers that this server left behind. Those of others are never touched.', { default: true }),
        prune_interval: duration('How often to look for them.', { default: '24h', minimum: '1s' }),
        timeout: duration('How long a request to the engine may take. At least task_execution_stop_timeout.', {
          default: '5m',
          minimum: '1s',
        }),
        host: Type.Optional(
          text('Where the engine listens. Without it DOCKER_HOST, else the local socket.', { sample: 'unix:///var/run/docker.sock' }),
        ),
      },
      OF_PLUGIN,
    ),
    process: table(
      'Tasks as child processes of this machine. They are not isolated from it or from each other.',
      {
        enable: flag('Allow this engine outside development mode.', { default: false }),
      },
      OF_PLUGIN,
    ),
    fake: table('A scheduler that runs nothing: for trying out and for tests.', {}, OF_PLUGIN),
  },
  { pluginBlocks: true },
);

export const objectStoreSchema = table(
  'Where objects are kept.',
  {
    engine: text('sqlite, filesystem, or the path or package of a plugin.', { default: 'sqlite' }),
    pipeline_object_limit: count("How many of a pipeline's own objects are kept. One more removes the oldest.", {
      default: 50,
      minimum: 1,
    }),
    run_object_expiry: count("How many of a pipeline's runs keep their objects.", { default: 50, minimum: 1 }),
    max_object_size: count('The largest object in bytes.', { default: 5_368_709_120, minimum: 1 }),
    sqlite: table(
      'Objects in one SQLite file.',
      {
        path: path('The file.', { statePath: 'objects.db', sample: '/var/lib/gofer/objects.db' }),
      },
      OF_PLUGIN,
    ),
    filesystem: table(
      'Objects as files.',
      {
        path: path('The directory.', { statePath: 'objects', sample: '/var/lib/gofer/objects' }),
      },
      OF_PLUGIN,
    ),
  },
  { pluginBlocks: true },
);

export const secretStoreSchema = table(
  'Where secrets are kept.',
  {
    engine: text('sqlite, or the path or package of a plugin.', { default: 'sqlite' }),
    sqlite: table(
      'Secrets in one SQLite file, encrypted.',
      {
        path: path('The file.', { statePath: 'secrets.db', sample: '/var/lib/gofer/secrets.db' }),
        encryption_key: Type.Optional(
          secret(
            'The key of the secrets: exactly 32 random characters, needed outside development. Keep a copy of it: without the key the secrets are lost.',
            {
              length: 32,
              developmentDefault: SAMPLE_ENCRYPTION_KEY,
            },
          ),
        ),
      },
      OF_PLUGIN,
    ),
  },
  { pluginBlocks: true },
);

export const authSchema = table(
  'Who people and programs are.',
  {
    engine: text(
      "token, which knows the tokens of `gofer token create`, or the path or package of a plugin. Gofer's own tokens count beside any plugin.",
      { default: 'token' },
    ),
    token: table('The tokens that this server hands out.', {}, OF_PLUGIN),
  },
  { pluginBlocks: true },
);

/** The sections of plugins. */
export type PluginSection = keyof typeof BUILT_IN_ENGINES;
