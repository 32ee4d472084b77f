import type { JsonSchema } from '@gofer/contracts';
import type { FakeRule } from './fake-script.ts';

export interface FakeConfig {
  readonly script?: string | readonly FakeRule[];
  readonly capabilities?: Partial<Readonly<Record<'exec' | 'endpoints' | 'streams' | 'replay' | 'images', boolean>>>;
}

const capability = (description: string): JsonSchema => ({ type: 'boolean', default: true, description });

/** The block `[scheduler.fake]`. The rules of a script are checked one by one when the plugin is created, with better messages. */
export const fakeConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    script: {
      description:
        'What the tasks do: a list of rules, or the path of a JSON file that holds one. The first rule whose image, command and labels match a task is played. Without a rule a task prints its command and exits with 0.',
      default: [],
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'object' } },
      ],
    },
    capabilities: {
      description: 'What the fake is able to do, to see how the server copes with less.',
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        exec: capability('Run further commands inside a task.'),
        endpoints: capability('Report where the ports of a task are reached.'),
        streams: capability('Tell standard output from standard error.'),
        replay: capability('Give the output of a task again, however often it is read.'),
        images: capability('Fail the start of a task for its image, where a rule says so.'),
      },
    },
  },
};
