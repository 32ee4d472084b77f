import { GoferError, isGoferError } from '@gofer/contracts';
import type { Extension } from '@gofer/contracts/api';
import { isTaskId, TASK_ID_RULE } from '@gofer/contracts/pipeline';
import { Option } from 'clipanion';
import { askPairs, askParameters, checkTerminal, unanswered } from '../../extension/ask-settings.ts';
import { readSettings, SETTINGS_DETAILS, settingOption } from '../../extension/settings.ts';
import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class SubscriptionCreate extends SubscriptionCommand {
  static override paths = [
    ['pipeline', 'subscribe'],
    ['extension', 'sub'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'Subscribe a pipeline to an extension, which starts its runs from then on',
    details: `
      LABEL names the subscription: a pipeline may have several to one extension. Which settings there are is told by gofer extension get EXTENSION; what the extension does not take is refused, in its own words, and nothing is kept.

      ${SETTINGS_DETAILS}

      A pipeline's code may subscribe it too, which gofer up then keeps as it stands there; what is subscribed here it leaves alone.
    `,
    examples: [
      ['At one in the morning of every 25th of December', '$0 pipeline subscribe simple cron yearly_on_xmas -s expression="0 1 25 12 * *"'],
      ['Every five minutes', '$0 extension sub simple interval every_five_mins -s every="5m"'],
    ],
  });

  pairs = settingOption();
  interactive = Option.Boolean('-i,--interactive', false, { description: 'Ask for the settings that the extension documents' });

  async execute(): Promise<void> {
    if (!isTaskId(this.label))
      throw new GoferError('INVALID_ARGUMENT', `the label of a subscription is ${TASK_ID_RULE}, not "${this.label}"`);
    if (this.interactive) checkTerminal(this.context, 'give settings by -s KEY=VALUE');
    const given = await readSettings(this.context, this.pairs, '--setting');
    const client = await this.client();
    const settings = this.interactive ? { ...given, ...(await this.#ask(given)) } : given;
    const { namespace_id, pipeline_id, extension_id, subscription_id } = await this.subscriptionPath();
    const { subscription } = await client.call('create_subscription', {
      path: { namespace_id, pipeline_id },
      body: { extension_id, subscription_id, settings },
    });
    const ns = await this.inNamespace();
    await this.showDone(subscription, `Pipeline ${this.id} is subscribed to ${this.extension}, as ${this.label}`, [
      ['See all of its subscriptions', `gofer pipeline subscription list ${this.id}${ns}`],
      ['End it', `gofer pipeline unsubscribe ${this.id} ${this.extension} ${this.label}${ns}`],
    ]);
  }

  /** Undefined for whom it is not shown to, who may subscribe to it all the same. */
  async #extension(): Promise<Extension | undefined> {
    try {
      return (await (await this.client()).call('get_extension', { path: { extension_id: this.extension } })).extension;
    } catch (error) {
      if (isGoferError(error) && error.code === 'PERMISSION_DENIED') return undefined;
      throw error;
    }
  }

  async #ask(given: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const extension = await this.#extension();
    if (extension === undefined) {
      const why =
        `Your token may not see what ${toSafeLine(this.extension)} takes: that needs a role with read on extensions. ` +
        'Give its settings as its documentation says; an empty line subscribes.';
      return await readSettings(this.context, await askPairs(this.context, why), 'KEY=VALUE');
    }
    const { pipeline_subscription_params } = extension.documentation;
    if (pipeline_subscription_params.length === 0) {
      const why =
        extension.state === 'running' ? 'it documents no settings for subscriptions' : 'it does not run, and what it takes is not known';
      await this.note(`${this.context.errorColours.yellow('!')} ${this.extension}: ${why}`);
    }
    return await askParameters(this.context, unanswered(pipeline_subscription_params, given));
  }
}
