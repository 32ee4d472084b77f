/** How the conformance suite of the scheduler contract speaks to the fake: its programs become the fake's own steps. */
import type { ProgramStep, SchedulerHarness } from '@gofer/contracts/conformance';
import type { FakeConfig } from './fake-config.ts';
import { fakeScheduler } from './fake-scheduler.ts';
import type { FakeScript, FakeStep } from './fake-script.ts';
import { INLINE_STEPS } from './fake-script.ts';

const SCRIPT: FakeScript = [
  { image: 'gofer-conformance.invalid/*', refuse: { code: 'IMAGE_NOT_FOUND', message: 'there is no such image' } },
  { command: '/gofer-conformance/no-such-program*', refuse: { code: 'INVALID_ARGUMENT', message: 'there is no such program' } },
];

/** `more`: rules that come before those that the suite needs. */
export function fakeHarness(name: string, lacks: NonNullable<FakeConfig['capabilities']> = {}, more: FakeScript = []): SchedulerHarness {
  const { exec = true, endpoints = true, streams = true, replay = true, images = true } = lacks;
  return {
    name,
    capabilities: { exec, endpoints, streams, replay, images, isolation: true },
    image: 'fake',
    crowd: 200,
    tickMs: 40,
    timeoutMs: 10_000,
    express: (program) => ({ entrypoint: [INLINE_STEPS], command: [JSON.stringify(program.map(toStep))] }),
    reach: (url) => ({ entrypoint: [INLINE_STEPS], command: [JSON.stringify([{ get: url } satisfies FakeStep])] }),
    create: (host) => fakeScheduler.create({ script: [...more, ...SCRIPT], capabilities: lacks }, host),
  };
}

function toStep(step: ProgramStep): FakeStep {
  switch (step.do) {
    case 'print':
      return { print_base64: toBase64(step.bytes), stream: step.stream };
    case 'lines':
      return { lines: step.count, stream: step.stream };
    case 'fill':
      return { fill: step.bytes };
    case 'environment':
      return { environment: true };
    case 'echo':
      return { echo: true };
    case 'ignore-term':
      return { ignore_term: true };
    case 'on-term':
      return { on_term: { print_base64: toBase64(step.bytes), exit: step.exitCode } };
    case 'sleep':
      return { sleep_ms: step.seconds * 1000 };
    case 'exit':
      return { exit: step.exitCode };
    default:
      return step satisfies never;
  }
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
