/**
 * Time limits, retries and concurrency of pipelines and tasks: fields beyond v0's. An answer has each only where it is set, so that
 * without them it is v0's; a request may say `null` for what it does not set.
 */
import * as Type from 'typebox';

const LONGEST_SECONDS = 31_536_000;

const seconds = (description: string) => Type.Integer({ minimum: 1, maximum: LONGEST_SECONDS, description: `${description} (seconds)` });
const wait = (description: string) => Type.Number({ minimum: 0, maximum: LONGEST_SECONDS, description: `${description} (seconds)` });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

const TaskTimeout = seconds('How long one attempt may take, from its start');
const TaskStartTimeout = seconds('How long it may take from when it is ready until it runs');
const RunTimeout = seconds('How long a run may take, from when it begins');
const RunStartTimeout = seconds('How long a run may wait until it begins');
const Retries = Type.Integer({
  minimum: 0,
  maximum: 100,
  description: "Further attempts after the first; a pipeline's are its tasks' default",
});
const RetryCause = Type.Union([
  Type.Unsafe<string>({ type: 'string', enum: ['failure', 'infrastructure', 'timeout'] }),
  Type.Integer({ minimum: 1, maximum: 255, description: 'An exit code' }),
]);
const RetryOn = Type.Unsafe<readonly ('failure' | 'infrastructure' | 'timeout' | number)[]>(
  Type.Array(RetryCause, { minItems: 1, description: 'Which ends of an attempt are tried again; absent: all three words' }),
);
const Always = Type.Boolean({ description: 'Runs after the cancellation of its run too; an answer has it only where it is true' });
const Concurrency = Type.Unsafe<'queue' | 'cancel_oldest' | 'cancel_newest'>({
  type: 'string',
  enum: ['queue', 'cancel_oldest', 'cancel_newest'],
  description: 'What gives way where more runs are started than `parallelism` admits; absent: `queue`, so that they wait',
});

const Initial = wait('Before the second attempt; absent: 1');
const Maximum = wait('The longest wait, not below `initial`; absent: 300');
const Factor = Type.Number({ minimum: 1, maximum: 100, description: 'What each wait is multiplied with for the next; absent: 2' });

export const RetryBackoff = Type.Object(
  {
    initial: Type.Optional(Initial),
    maximum: Type.Optional(Maximum),
    factor: Type.Optional(Factor),
  },
  { $id: 'RetryBackoff' },
);

const RetryBackoffRequest = Type.Object({ initial: orNull(Initial), maximum: orNull(Maximum), factor: orNull(Factor) });

const RETRY_FIELDS = {
  retries: Type.Optional(Retries),
  retry_on: Type.Optional(RetryOn),
  retry_backoff: Type.Optional(RetryBackoff),
};
const RETRY_REQUEST_FIELDS = { retries: orNull(Retries), retry_on: orNull(RetryOn), retry_backoff: orNull(RetryBackoffRequest) };

export const TASK_RELIABILITY = {
  timeout: Type.Optional(TaskTimeout),
  start_timeout: Type.Optional(TaskStartTimeout),
  ...RETRY_FIELDS,
  always: Type.Optional(Always),
};

export const PIPELINE_RELIABILITY = {
  timeout: Type.Optional(RunTimeout),
  start_timeout: Type.Optional(RunStartTimeout),
  ...RETRY_FIELDS,
  concurrency: Type.Optional(Concurrency),
};

export const TASK_RELIABILITY_REQUEST = {
  timeout: orNull(TaskTimeout),
  start_timeout: orNull(TaskStartTimeout),
  ...RETRY_REQUEST_FIELDS,
  always: orNull(Always),
};

export const PIPELINE_RELIABILITY_REQUEST = {
  timeout: orNull(RunTimeout),
  start_timeout: orNull(RunStartTimeout),
  ...RETRY_REQUEST_FIELDS,
  concurrency: orNull(Concurrency),
};
