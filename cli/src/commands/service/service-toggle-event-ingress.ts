import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class ServiceToggleEventIngress extends GoferCommand {
  static override paths = [['service', 'toggle-event-ingress']];
  static override usage = GoferCommand.Usage({
    category: 'Server',
    description: 'Let runs start, or let none start any more',
    details:
      'Without a flag it changes from one to the other. While it is off, whatever would start a run is answered with 503: people, programs and extensions alike; runs that have begun go on. It stays as it is over restarts, whatever ignore_pipeline_run_events of the configuration says.',
    examples: [
      ['Change it', '$0 service toggle-event-ingress'],
      ['Before maintenance', '$0 service toggle-event-ingress --off'],
      ['Afterwards', '$0 service toggle-event-ingress --on'],
    ],
  });

  on = Option.Boolean('--on', false, { description: 'Let runs start' });
  off = Option.Boolean('--off', false, { description: 'Let no run start' });

  async execute(): Promise<void> {
    if (this.on && this.off) throw new GoferError('INVALID_ARGUMENT', '--on and --off exclude each other: give one of them, or none');
    const client = await this.client();
    const before = await client.call('get_system_preferences', {});
    const ignore_pipeline_run_events = this.on || this.off ? this.off : !before.ignore_pipeline_run_events;
    await client.call('update_system_preferences', { body: { ignore_pipeline_run_events } });
    const was = before.ignore_pipeline_run_events === ignore_pipeline_run_events ? ', as before' : '';
    await this.showDone(
      { ...before, ignore_pipeline_run_events },
      ignore_pipeline_run_events
        ? `Event ingress is off${was}: no run starts, and whatever would start one is answered with 503; runs that have begun go on`
        : `Event ingress is on${was}: runs start`,
      [
        [
          ignore_pipeline_run_events ? 'Let them start again' : 'Stop them',
          `gofer service toggle-event-ingress --${ignore_pipeline_run_events ? 'on' : 'off'}`,
        ],
      ],
    );
  }
}
