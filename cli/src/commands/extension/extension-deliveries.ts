import { GoferError } from '@gofer/contracts';
import { DELIVERY_STATES, type Delivery } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand, limitOption, offsetOption, readCount } from '../../gofer-command.ts';
import { decodeUtf8, readAtMost } from '../../input/read-at-most.ts';
import { renderDeliveries, renderDelivery } from '../../output/delivery-views.ts';
import { toSafeText } from '../../output/sanitise.ts';

/** Bytes of a body that a terminal is shown. */
const LARGEST_SHOWN = 1_048_576;

export class ExtensionDeliveries extends GoferCommand {
  static override paths = [['extension', 'deliveries']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'List the events that came in from outside for an extension, newest first, or show one of them',
    details: 'With a delivery its headers are shown too; --body writes its body instead, byte for byte. Both need the rights of an admin.',
    examples: [
      ['What came in', '$0 extension deliveries webhook'],
      ['What its extension could not take', '$0 extension deliveries webhook --state failed --limit 50'],
    ],
  });

  id = Option.String({ name: 'extension' });
  delivery = Option.String({ name: 'delivery', required: false });
  state = Option.String('--state', { description: `Only those that are ${DELIVERY_STATES.join(', ')}` });
  limit = limitOption();
  offset = offsetOption();
  body = Option.Boolean('--body', false, { description: 'Write the body of the delivery, and nothing else' });

  async execute(): Promise<void> {
    const state = this.#state();
    const client = await this.client();
    if (this.delivery === undefined) {
      if (this.body)
        throw new GoferError('INVALID_ARGUMENT', `--body is of one delivery: gofer extension deliveries ${this.id} DELIVERY --body`);
      const limit = readCount(this.limit, '--limit', { minimum: 1 });
      const offset = readCount(this.offset, '--offset', { minimum: 0 });
      const query = { limit, offset, ...(state === undefined ? {} : { state }) };
      const { deliveries } = await client.call('list_extension_deliveries', { path: { extension_id: this.id }, query });
      return await this.show(deliveries, (presentation) => renderDeliveries(deliveries, presentation));
    }
    const path = { extension_id: this.id, delivery_id: this.delivery };
    if (this.body) {
      const body = await client.bytes('get_extension_delivery_body', { path });
      if (this.context.stdout.isTTY === true) return await this.#showBody(body);
      for await (const bytes of body) await this.write(bytes);
      return;
    }
    const { delivery } = await client.call('get_extension_delivery', { path });
    await this.show(delivery, (presentation) => renderDelivery(delivery, presentation));
  }

  /** Anybody may have sent it: a terminal gets what can be read of it. */
  async #showBody(body: AsyncIterable<Uint8Array>): Promise<void> {
    const bytes = await readAtMost(body, LARGEST_SHOWN);
    const text = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (text === undefined)
      throw new GoferError(
        'INVALID_ARGUMENT',
        'the body is too large for a terminal, or is not text (UTF-8): write it into a file or a pipe',
      );
    const shown = toSafeText(text);
    await this.write(shown === '' || shown.endsWith('\n') ? shown : `${shown}\n`);
  }

  #state(): Delivery['state'] | undefined {
    const state = DELIVERY_STATES.find((each) => each === this.state?.toLowerCase());
    if (this.state === undefined || state !== undefined) return state;
    throw new GoferError('INVALID_ARGUMENT', `--state is one of ${DELIVERY_STATES.join(', ')}, not "${this.state}"`);
  }
}
