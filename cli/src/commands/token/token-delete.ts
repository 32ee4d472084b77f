import { GoferCommand } from '../../gofer-command.ts';
import { readTokenId, tokenIdOption } from '../../identity/token-id.ts';

export class TokenDelete extends GoferCommand {
  static override paths = [
    ['token', 'delete'],
    ['service', 'token', 'delete'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tokens',
    description: 'Delete a token for good',
    details: 'It counts from the next request on. Your own token cannot be deleted.',
    examples: [['One that nobody needs any more', '$0 token delete 019a3c1e-8f00-7000-8000-000000000000']],
  });

  id = tokenIdOption();

  async execute(): Promise<void> {
    const id = readTokenId(this.id);
    const client = await this.client();
    await this.assertThere(() => client.call('get_token_by_id', { path: { id } }));
    await client.call('delete_token', { path: { id } });
    await this.showDone({ id, deleted: true }, `Deleted token ${id}`);
  }
}
