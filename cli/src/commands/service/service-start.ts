import { resolve } from 'node:path';
import { environmentVariables, loadServerConfig } from '@gofer/config';
import { Option } from 'clipanion';
import { asTyped } from '../../as-typed.ts';
import { builtInPluginSchemas } from '../../built-in-plugin-schemas.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { readVariables } from '../../read-variables.ts';

/** The keys that have a flag of their own. */
const TYPED = {
  'server.bind_address': '--bind-address',
  'server.storage_path': '--storage-path',
  'api.task_execution_logs_dir': '--logs-dir',
  'api.log_level': '--log-level',
  'scheduler.engine': '--scheduler',
} as const;

export class ServiceStart extends GoferCommand {
  static override paths = [['service', 'start']];
  static override usage = GoferCommand.Usage({
    category: 'Server',
    description: 'Start the server',
    details: `
      Without a configuration file it is development mode: no authentication, reachable from this machine only, data in your state directory ($XDG_STATE_HOME/gofer), tasks on Docker if it answers and else as plain processes.

      The file of --config counts, else /etc/gofer/gofer_web.toml if it is there. Environment variables beat the file and flags beat both. Ctrl-C or SIGTERM stop it; tasks that are running go on, and are found again at the next start. With TLS, SIGHUP makes it read its certificate again.

      Environment variables:

${environmentVariables(builtInPluginSchemas)
  .map(
    ({ name, type, default: usual, description }) =>
      `      ${name} (${type}${usual === '' ? '' : `, default ${usual}`})\n          ${description}`,
  )
  .join('\n')}
    `,
    examples: [
      ['For development', '$0 service start'],
      ['With a file', '$0 service start --config gofer_web.toml'],
      ['On a free port, with tasks that do nothing', '$0 service start --bind-address 127.0.0.1:0 --scheduler fake'],
    ],
  });

  bindAddress = Option.String('--bind-address', {
    description: 'Host and port to listen on; port 0 takes a free one (server.bind_address)',
  });
  storagePath = Option.String('--storage-path', { description: 'The database file (server.storage_path)' });
  logsDirectory = Option.String('--logs-dir', { description: 'The directory of the task logs (api.task_execution_logs_dir)' });
  logLevel = Option.String('--log-level', { description: 'trace, debug, info, warn or error (api.log_level)' });
  scheduler = Option.String('--scheduler', {
    description: 'docker, process, fake, auto, or the path or package of a plugin (scheduler.engine)',
  });
  set = Option.Array('--set', [], { description: 'Any other key, as SECTION.KEY=VALUE; may be given several times' });

  async execute(): Promise<number> {
    const { context } = this;
    const { config: configPath } = context.flags;
    const set = readVariables(this.set, '--set');
    const typed = { ...Object.fromEntries(Object.keys(set).map((key) => [key, `--set ${key}`])), ...TYPED };
    const loaded = await loadServerConfig({
      environment: context.env,
      homeDirectory: context.homeDirectory,
      ...(configPath === undefined ? {} : { configPath: resolve(context.workingDirectory, configPath) }),
      flags: { ...set, ...this.#flags() },
      pluginSchemas: builtInPluginSchemas,
    }).catch((error: unknown) => {
      throw asTyped(error, typed);
    });
    const [{ startServer }, { builtInPlugins }, { builtInExtensions }] = await Promise.all([
      import('@gofer/kernel'),
      import('../../built-in-plugins.ts'),
      import('../../extension/built-in-extensions.ts'),
    ]);
    // Whatever the server makes is its own; only what its tasks make is made as by the user who started it.
    const umask = context.setUmask(0o077);
    const asked = Promise.withResolvers<void>();
    const removers = (['SIGINT', 'SIGTERM'] as const).map((signal) => context.onSignal(signal, asked.resolve));
    try {
      const server = await startServer({
        loaded,
        builtIns: builtInPlugins,
        builtInExtensions: builtInExtensions(context),
        metadata: { semver: context.version, commit: context.env.GOFER_COMMIT ?? 'unknown' },
        umask,
        write: (line) => void context.stdout.write(line.endsWith('\n') ? line : `${line}\n`),
      });
      // Without TLS it means what it does to every program: the terminal has gone.
      if (loaded.config.server.use_tls) removers.push(context.onSignal('SIGHUP', () => void server.reload()));
      await asked.promise;
      await server.stop();
    } finally {
      for (const remove of removers) remove();
      context.setUmask(umask);
    }
    return 0;
  }

  /** Those that were given: a key whose own flag was not may come by --set. */
  #flags(): Record<string, string> {
    const all: Record<keyof typeof TYPED, string | undefined> = {
      'server.bind_address': this.bindAddress,
      'server.storage_path': this.storagePath,
      'api.task_execution_logs_dir': this.logsDirectory,
      'api.log_level': this.logLevel,
      'scheduler.engine': this.scheduler,
    };
    const given: Record<string, string> = {};
    for (const [key, value] of Object.entries(all)) if (value !== undefined) given[key] = value;
    return given;
  }
}
