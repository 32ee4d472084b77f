/** The `token` plugin: bearer tokens that this server has handed out. They are the kernel's; this is what checks one. */
import { definePlugin } from '@gofer/contracts';
import { TokenAuth } from './token-auth.ts';
import { tokenAuthConfigSchema } from './token-auth-config.ts';

export const plugin = definePlugin<'auth', Readonly<Record<string, never>>>({
  contract: 'auth',
  apiVersion: 1,
  name: 'token',
  configSchema: tokenAuthConfigSchema,
  create: async (_config, host) => new TokenAuth(host),
});
