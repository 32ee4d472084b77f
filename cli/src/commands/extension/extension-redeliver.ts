import { setTimeout as sleep } from 'node:timers/promises';
import { ERROR_TABLE } from '@gofer/contracts';
import type { Delivery } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderDelivery } from '../../output/delivery-views.ts';

const LONGEST_WAIT_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 200;

export class ExtensionRedeliver extends GoferCommand {
  static override paths = [['extension', 'redeliver']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Hand an event from outside to its extension again',
    details: `With --wait it is shown how the extension took it, after a minute at most; the exit code is ${ERROR_TABLE.RUN_FAILED.exit} where it did not.`,
    examples: [['Once more, and see what comes of it', '$0 extension redeliver webhook 019a3c1e-8f00-7000-8000-000000000000 --wait']],
  });

  id = Option.String({ name: 'extension' });
  delivery = Option.String({ name: 'delivery' });
  wait = Option.Boolean('--wait', false, { description: 'Wait until the extension has taken or refused it' });

  async execute(): Promise<number> {
    const client = await this.client();
    const path = { extension_id: this.id, delivery_id: this.delivery };
    const { delivery } = await client.call('redeliver_extension_delivery', { path });
    if (!this.wait) {
      await this.showDone(delivery, `Delivery ${this.delivery} is handed to ${this.id} again`, [
        ['See what comes of it', `gofer extension deliveries ${this.id} ${delivery.delivery_id}`],
      ]);
      return 0;
    }
    const settled = await this.#settled({ ...path, delivery_id: delivery.delivery_id });
    await this.show(settled, (presentation) => renderDelivery(settled, presentation));
    return settled.state === 'delivered' ? 0 : ERROR_TABLE.RUN_FAILED.exit;
  }

  async #settled(path: { extension_id: string; delivery_id: string }): Promise<Delivery> {
    const client = await this.client();
    const end = this.context.now() + LONGEST_WAIT_MILLISECONDS;
    for (;;) {
      const { delivery } = await client.call('get_extension_delivery', { path });
      if (delivery.state !== 'pending' || this.context.now() >= end) return delivery;
      await sleep(PAUSE_MILLISECONDS);
    }
  }
}
