import { ERROR_TABLE } from '@gofer/contracts';
import { Option } from 'clipanion';
import { toSafeLine } from '../../output/sanitise.ts';
import { loadOperation } from './load-operation.ts';
import { OperationCommand } from './operation-command.ts';

export class ServiceCheck extends OperationCommand {
  static override paths = [['service', 'check']];
  static override usage = OperationCommand.Usage({
    category: 'Server',
    description: 'Check that the database, logs, objects and secrets of a stopped server are whole',
    details:
      'Without --repair nothing is changed. With it, what nothing points to is removed, and each line says what was done; what is missing or damaged is never taken out of the database: restore it from a backup. The exit code is 74 where something is wrong that was not repaired.',
    examples: [
      ['With the configuration of the server', '$0 service check --config gofer_web.toml'],
      ['And mend what can be mended', '$0 service check --repair --config gofer_web.toml'],
    ],
  });

  repair = Option.Boolean('--repair', false, { description: 'Remove what nothing points to, and end what its run has left behind' });
  set = Option.Array('--set', [], { description: 'A key of the configuration, as SECTION.KEY=VALUE; may be given several times' });

  async execute(): Promise<number> {
    await this.settings(); // A fault in them is told of before anything is done.
    const options = await loadOperation(this.context, this.set);
    const { checkServer } = await import('@gofer/kernel');
    const findings = await checkServer(options, this.repair);
    const left = findings.filter(({ repaired }) => repaired === undefined).length;
    await this.show({ ok: left === 0, findings }, ({ colours }) => {
      const lines = findings.map(
        ({ part, subject, problem, repaired }) => `${toSafeLine(`${part} ${subject}: ${problem}; ${repaired ?? 'not repaired'}`)}\n`,
      );
      return `${lines.join('')}${left === 0 ? colours.green('✓ Everything is whole') : colours.red(`x ${left} not repaired`)}\n`;
    });
    return left === 0 ? 0 : ERROR_TABLE.DATA_LOSS.exit;
  }
}
