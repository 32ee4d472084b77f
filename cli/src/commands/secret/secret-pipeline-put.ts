import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { readSecretValue } from '../../secrets/read-secret-value.ts';
import { readSecretWords, SECRET_PUT_DETAILS, secretFileOption, secretForceOption } from '../../secrets/secret-words.ts';

export class SecretPipelinePut extends GoferCommand {
  static override paths = [['secret', 'pipeline', 'put']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Store a secret that only the tasks of one pipeline may use',
    details: `A task has it by a variable with the value pipeline_secret{{KEY}}.\n\n${SECRET_PUT_DETAILS}`,
    examples: [
      ['From standard input', '$0 secret pipeline put simple db_password @ < password.txt'],
      ['From a file', '$0 secret pipeline put simple deploy_key --file password.txt --force'],
      ['From the arguments', '$0 secret pipeline put simple greeting=hello'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key' });
  value = Option.String({ name: 'value|@', required: false });
  file = secretFileOption();
  force = secretForceOption();

  async execute(): Promise<void> {
    const { key, value } = readSecretWords(this.key, this.value);
    const client = await this.client();
    const content = await readSecretValue(this.context, { key, value, file: this.file });
    const { secret } = await client.call('put_pipeline_secret', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id },
      body: { key, content, force: this.force },
    });
    await this.showDone(secret, this.force ? `Successfully stored secret '${key}'` : `Successfully inserted new secret '${key}'`);
  }
}
