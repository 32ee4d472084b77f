import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { readSecretValue } from '../../secrets/read-secret-value.ts';
import { readSecretWords, SECRET_PUT_DETAILS, secretFileOption, secretForceOption } from '../../secrets/secret-words.ts';

const EVERY_NAMESPACE = '.*';

export class SecretGlobalPut extends GoferCommand {
  static override paths = [['secret', 'global', 'put']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Store a secret that tasks of many pipelines may use',
    details: `A task has it by a variable with the value global_secret{{KEY}}, if its namespace matches one of --namespaces as a whole.\n\n${SECRET_PUT_DETAILS}`,
    examples: [
      ['For every namespace', '$0 secret global put registry_token @ < password.txt'],
      ['For some of them', '$0 secret global put deploy_key --file password.txt -n "prod-.*" -n staging'],
    ],
  });

  key = Option.String({ name: 'key' });
  value = Option.String({ name: 'value|@', required: false });
  namespaces = Option.Array('-n,--namespaces', [], {
    description: 'A regular expression (RE2) of namespaces whose tasks may use it; may be given several times (default .*)',
  });
  file = secretFileOption();
  force = secretForceOption();

  async execute(): Promise<void> {
    const { key, value } = readSecretWords(this.key, this.value);
    const client = await this.client();
    const content = await readSecretValue(this.context, { key, value, file: this.file });
    const namespaces = this.namespaces.length === 0 ? [EVERY_NAMESPACE] : this.namespaces;
    const { secret } = await client.call('put_global_secret', { body: { key, content, namespaces, force: this.force } });
    await this.showDone(secret, this.force ? `Successfully stored secret '${key}'` : `Successfully inserted new secret '${key}'`);
  }
}
