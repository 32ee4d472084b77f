import { CONTRACT_API_VERSION, definePlugin } from '@gofer/contracts';
import { AttemptJournal } from './attempt-journal.ts';
import type { DockerConfig } from './docker-config.ts';
import { dockerConfigSchema } from './docker-config.ts';
import { DockerScheduler } from './docker-scheduler.ts';
import { Engine } from './engine.ts';

export const plugin = definePlugin<'scheduler', DockerConfig>({
  contract: 'scheduler',
  apiVersion: CONTRACT_API_VERSION,
  name: 'docker',
  configSchema: dockerConfigSchema,
  async create(config, host) {
    if (config.network === 'host') {
      const message =
        'scheduler.docker.network is "host": tasks have the whole network of the machine, its loopback services included; choose another network unless you trust them with it';
      host.log('warn', message);
    }
    const [engine, journal] = await Promise.all([Engine.open(config), AttemptJournal.open(host.dataDirectory)]);
    return new DockerScheduler(config, host, engine, journal);
  },
});
