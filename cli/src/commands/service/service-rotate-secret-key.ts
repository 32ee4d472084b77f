import { GoferCommand } from '../../gofer-command.ts';

export class ServiceRotateSecretKey extends GoferCommand {
  static override paths = [['service', 'rotate-secret-key']];
  static override usage = GoferCommand.Usage({
    category: 'Server',
    description: 'Encrypt every secret anew with the key that is configured now',
    details: `
      To change the key, in secret_store.sqlite of the server's configuration:

      1. Make encryption_key the new one, and add the old one to previous_encryption_keys.
      2. Start the server anew, and call this.
      3. Once it has succeeded, take the old key out of previous_encryption_keys.

      Secrets are read and written meanwhile as ever. What was interrupted is taken up by the next call.
    `,
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
