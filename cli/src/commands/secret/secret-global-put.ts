import { GoferError, isGoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import type { GoferClient } from '../../api/gofer-client.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';
import { readSecretValue } from '../../secrets/read-secret-value.ts';
import { readSecretWords, SECRET_PUT_DETAILS, secretFileOption, secretForceOption } from '../../secrets/secret-words.ts';

const EVERY_NAMESPACE = '.*';

export class SecretGlobalPut extends GoferCommand {
  static override paths = [['secret', 'global', 'put']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Store a secret that tasks of many pipelines may use',
    details: `A task has it by a variable with the value global_secret{{KEY}}, if its namespace matches one of --namespaces as a whole. With --force and without --namespaces, those that are admitted stay so.\n\n${SECRET_PUT_DETAILS}`,
    examples: [
      ['For every namespace', '$0 secret global put registry_token @ < password.txt'],
      ['For some of them', '$0 secret global put deploy_key --file password.txt -n "prod-.*" -n staging'],
    ],
  });

  key = Option.String({ name: 'key' });
  value = Option.String({ name: 'value|@', required: false });
  namespaces = Option.Array('-n,--namespaces', [], {
    description:
      'A regular expression (RE2) of namespaces whose tasks may use it; may be given several times (default .*, and for a secret that is there: as they are)',
  });
  file = secretFileOption();
  force = secretForceOption();

  async execute(): Promise<void> {
    if (this.context.flags.namespace !== undefined)
      throw new GoferError('INVALID_ARGUMENT', 'a global secret is in no namespace; whose tasks may use it is given by --namespaces');
    const { key, value } = readSecretWords(this.key, this.value);
    const client = await this.client();
    const content = await readSecretValue(this.context, { key, value, file: this.file });
    const namespaces = this.namespaces.length > 0 ? this.namespaces : this.force ? await admittedBy(client, key) : [EVERY_NAMESPACE];
    const { secret } = await client.call('put_global_secret', { body: { key, content, namespaces, force: this.force } });
    const admitted = namespaces.map((pattern) => toSafeLine(pattern)).join(', ');
    const done = this.force ? 'Successfully stored' : 'Successfully inserted new';
    await this.showDone(secret, `${done} secret '${key}'\n  Namespaces whose tasks may use it: ${admitted}`);
  }
}

/** The patterns of the secret that is about to be replaced. */
async function admittedBy(client: GoferClient, key: string): Promise<string[]> {
  try {
    const { metadata } = await client.call('get_global_secret', { path: { key } });
    return metadata.namespaces;
  } catch (error) {
    if (isGoferError(error) && error.code === 'NOT_FOUND') return [EVERY_NAMESPACE];
    throw error;
  }
}
