import type { Run, TaskExecution } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export interface RunPath {
  readonly namespace_id: string;
  readonly pipeline_id: string;
  readonly run_id: number;
}

/** A command about one run of a pipeline. */
export abstract class RunCommand extends GoferCommand {
  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });

  protected async runPath(): Promise<RunPath> {
    return { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
  }

  protected async runWithTasks(): Promise<{ readonly run: Run; readonly tasks: readonly TaskExecution[] }> {
    const client = await this.client();
    const path = await this.runPath();
    const [{ run }, { task_executions: tasks }] = await Promise.all([
      client.call('get_run', { path }),
      client.call('list_task_executions', { path }),
    ]);
    return { run, tasks };
  }
}
