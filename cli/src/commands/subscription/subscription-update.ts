import { isDeepStrictEqual } from 'node:util';
import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { readSettings, SETTINGS_DETAILS, settingOption } from '../../extension/settings.ts';
import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class SubscriptionUpdate extends SubscriptionCommand {
  static override paths = [['pipeline', 'subscription', 'update']];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'Change the settings of a subscription',
    details: `
      Settings that are not given stay as they are. What the extension refuses changes nothing.

      ${SETTINGS_DETAILS}
    `,
    examples: [['Another time', '$0 pipeline subscription update simple cron nightly -s expression="0 4 * * * *"']],
  });

  pairs = settingOption();
  unset = Option.Array('--unset', [], { description: 'A setting to remove; may be given several times' });

  async execute(): Promise<void> {
    const given = await readSettings(this.context, this.pairs, '--setting');
    if (Object.keys(given).length === 0 && this.unset.length === 0)
      throw new GoferError('INVALID_ARGUMENT', 'nothing to change: give -s KEY=VALUE or --unset KEY');
    const both = this.unset.find((key) => Object.hasOwn(given, key));
    if (both !== undefined)
      throw new GoferError('INVALID_ARGUMENT', `${both} is set by --setting and removed by --unset: give one of them`);
    const client = await this.client();
    const path = await this.subscriptionPath();
    const { subscription: before } = await client.call('get_subscription', { path });
    const removed = new Set(this.unset);
    const kept = Object.entries(before.settings).filter(([key]) => !removed.has(key));
    await client.call('update_subscription', { path, body: { settings: { ...Object.fromEntries(kept), ...given } } });
    const { subscription } = await client.call('get_subscription', { path });
    const isChanged = !isDeepStrictEqual(before.settings, subscription.settings);
    const done = isChanged
      ? `Changed the subscription ${this.subscriptionName}`
      : `The subscription ${this.subscriptionName} has these settings already`;
    await this.showDone(subscription, done);
    const absent = this.unset.filter((key) => !Object.hasOwn(before.settings, key));
    if (absent.length > 0)
      await this.note(
        `${this.context.errorColours.yellow('!')} ${absent.map(toSafeLine).join(', ')} was not set: there was nothing to remove`,
      );
    if (subscription.origin === 'config')
      await this.note(
        `${this.context.errorColours.yellow('!')} It is kept by the pipeline's code: the next gofer up makes it what it is there.`,
      );
  }
}
