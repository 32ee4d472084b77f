import { Option } from 'clipanion';
import { GoferCommand, limitOption, noReverseOption, offsetOption } from '../gofer-command.ts';

export class Fetch extends GoferCommand {
  static override paths = [['fetch']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Look at anything: pipelines, a pipeline, its runs, a run, its tasks, a task',
    details: `
      Each word goes one step down, and a + at the end lists what is below:

      gofer fetch                     the pipelines (also: gofer fetch +)
      gofer fetch PIPELINE            the pipeline
      gofer fetch PIPELINE +          its runs
      gofer fetch PIPELINE RUN        the run
      gofer fetch PIPELINE RUN +      its tasks
      gofer fetch PIPELINE RUN TASK   the task
      gofer fetch PIPELINE RUN TASK + its log
    `,
    examples: [
      ['All pipelines', '$0 fetch'],
      ['The runs of a pipeline', '$0 fetch simple +'],
      ['The tasks of its first run', '$0 fetch simple 1 +'],
    ],
  });

  pipeline = Option.String({ name: 'pipeline', required: false });
  run = Option.String({ name: 'run', required: false });
  task = Option.String({ name: 'task', required: false });
  below = Option.String({ name: '+', required: false });
  limit = limitOption();
  offset = offsetOption();
  noReverse = noReverseOption();

  async execute(): Promise<number> {
    const words = [this.pipeline, this.run, this.task, this.below].filter((word) => word !== undefined);
    const listed = words.at(-1) === '+';
    const [pipeline, run, task, extra] = listed ? words.slice(0, -1) : words;
    const { dispatch } = this.context;
    if (extra !== undefined) return await dispatch(['fetch', '--help']);
    if (pipeline === undefined) return await dispatch(['pipeline', 'list']);
    if (run === undefined) return await dispatch(listed ? ['run', 'list', ...this.#page(), pipeline] : ['pipeline', 'get', pipeline]);
    if (task === undefined) return await dispatch(listed ? ['task', 'list', pipeline, run] : ['run', 'get', pipeline, run]);
    return await dispatch(['task', listed ? 'logs' : 'get', pipeline, run, task]);
  }

  #page(): string[] {
    return ['--limit', this.limit, '--offset', this.offset, ...(this.noReverse ? ['--no-reverse'] : [])];
  }
}
