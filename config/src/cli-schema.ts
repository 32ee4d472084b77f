/** Every key of the command line's own configuration. */
import * as Type from 'typebox';
import type { DeepReadonly } from './server-schema.ts';
import { address, asSetting, choice, flag, path, secret, table, text, webUrl } from './setting.ts';

/** `GOFER_DETAIL` is `detail`. */
export const CLI_ENVIRONMENT_PREFIX = 'GOFER_';

export const cliConfigSchema = table('The configuration of the gofer command.', {
  namespace: text('The namespace that commands use unless they are told another.', { default: 'default' }),
  detail: flag('Show more, such as exact times.', { default: false }),
  output_format: choice('How commands print their results.', ['plain', 'json', 'silent'], { default: 'plain' }),
  api_base_url: webUrl('The address of the Gofer server.', { default: 'http://127.0.0.1:8080/' }),
  host: Type.Optional(
    address('The host and port of the Gofer server: short for api_base_url = "http://HOST/".', { sample: 'localhost:8080' }),
  ),
  token: Type.Optional(secret('The token that is sent with every request.')),
  debug: flag('Print what is sent and received.', { default: false }),
  ca_cert: Type.Optional(
    path("A file of certificates (PEM) to trust beside the system's: the server's own CA.", { sample: '/etc/gofer/ca.pem' }),
  ),
  insecure_skip_tls_verify: flag("Do not check the server's certificate.", { default: false }),
});

/** The same, as its readers see it. */
export const cliSettings = asSetting(cliConfigSchema);

/** Deeply frozen. `host` is never in it: it has become `api_base_url`. */
export type CliConfig = Omit<DeepReadonly<Type.Static<typeof cliConfigSchema>>, 'host'>;
