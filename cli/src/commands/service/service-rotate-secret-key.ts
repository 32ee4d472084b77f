import { GoferCommand } from '../../gofer-command.ts';

export class ServiceRotateSecretKey extends GoferCommand {
  static override paths = [['service', 'rotate-secret-key']];
  static override usage = GoferCommand.Usage({
    category: 'Server',
    description: 'Encrypt every secret anew with the key that is configured now',
    details:
      'After the key of the secrets was changed in the configuration, with the old one kept beside it for reading, and the server was started with both. Secrets are read and written meanwhile as ever. Once it is done the old key is needed no more. What was interrupted is taken up by the next call.',
    examples: [['Once the new key is configured', '$0 service rotate-secret-key']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const answer = await client.call('rotate_secret_key', {}, { silence: ROTATION_MILLISECONDS });
    const values = answer.encrypted === 1 ? '1 value is' : `${answer.encrypted} values are`;
    await this.showDone(answer, `${values} encrypted with the key that is configured now; no older key is needed any more`);
  }
}

/** It answers when all of them are done, however many there are. */
const ROTATION_MILLISECONDS = 3_600_000;
