import { Option } from 'clipanion';
import { GoferCommand } from '../gofer-command.ts';
import { toSafeLine } from '../output/sanitise.ts';

/** A command about one subscription of a pipeline. */
export abstract class SubscriptionCommand extends GoferCommand {
  id = Option.String({ name: 'pipeline' });
  extension = Option.String({ name: 'extension' });
  label = Option.String({ name: 'label' });

  protected async subscriptionPath() {
    return {
      namespace_id: await this.namespaceId(),
      pipeline_id: this.id,
      extension_id: this.extension,
      subscription_id: this.label,
    };
  }

  /** As in `cron/nightly of simple`. */
  protected get subscriptionName(): string {
    return toSafeLine(`${this.extension}/${this.label} of ${this.id}`);
  }
}
