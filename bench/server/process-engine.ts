/** What a run costs on the `process` engine, beside the same processes started bare. */
import { bareProcess } from './bare-process.ts';
import { BenchServer, type BenchTask } from './bench-server.ts';
import { inParallel, median, ms, percentile, type Row, timed } from './measurement.ts';

const NO_OP = ['true'];
const BURST = 200;
const BURST_WIDTH = 8;

function chain(length: number): BenchTask[] {
  return Array.from({ length }, (_, index) => ({ id: `t${index}`, command: NO_OP, ...(index === 0 ? {} : { after: [`t${index - 1}`] }) }));
}

export function fanOut(width: number, command: readonly string[] = NO_OP): BenchTask[] {
  const tasks = Array.from({ length: width }, (_, index) => ({ id: `t${index}`, command }));
  return [...tasks, { id: 'join', command, after: tasks.map((task) => task.id) }];
}

async function repeat(times: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < times; round += 1) values.push(await work());
  return values;
}

const bareChain = async (length: number): Promise<number> => {
  const { ms: total } = await timed(async () => {
    for (let index = 0; index < length; index += 1) await bareProcess(NO_OP);
  });
  return total;
};

export async function processEngine(): Promise<Row[]> {
  const server = await BenchServer.start('process');
  try {
    await server.register('one', chain(1));
    await server.register('three', chain(3));
    await server.register('forty', chain(40));
    await server.register('fan', fanOut(100));
    await repeat(30, async () => (await server.run('one')).ms);

    const one = await repeat(200, async () => (await server.run('one')).ms);
    const bareOne = median(await repeat(50, () => bareChain(1)));
    const three = median(await repeat(50, async () => (await server.run('three')).ms));
    const bareThree = median(await repeat(50, () => bareChain(3)));
    const forty = median(await repeat(7, async () => (await server.run('forty')).ms));
    const bareForty = median(await repeat(7, () => bareChain(40)));
    const fan = median(await repeat(7, async () => (await server.run('fan')).ms));
    const bareFan = median(await repeat(7, async () => (await timed(() => inParallel(101, BURST_WIDTH, () => bareProcess(NO_OP)))).ms));
    const bareBurst = await timed(() => inParallel(BURST, BURST_WIDTH, () => bareProcess(NO_OP)));
    const burst = await timed(() => inParallel(BURST, BURST, () => server.run('one')));
    const rate = (BURST / burst.ms) * 1000;
    const bareRate = (BURST / bareBurst.ms) * 1000;
    return [
      {
        name: 'one task, from the request to its final state',
        measured: `${ms(median(one))} median, ${ms(percentile(one, 99))} p99`,
        baseline: `${ms(bareOne)} bare`,
        goal: '≤ 8 ms median',
        met: median(one) <= 8,
      },
      {
        name: 'chain of 3 tasks over bare processes',
        measured: `+${ms(three - bareThree)} (${ms(three)})`,
        baseline: `${ms(bareThree)} bare`,
        goal: '≤ +12 ms',
        met: three - bareThree <= 12,
      },
      {
        name: 'chain of 40 tasks over bare processes, a task',
        measured: `+${ms((forty - bareForty) / 40)} (${ms(forty)} in all)`,
        baseline: `${ms(bareForty)} bare`,
        goal: '≤ +3 ms a task',
        met: (forty - bareForty) / 40 <= 3,
      },
      {
        name: 'fan-out of 100 tasks and a join',
        measured: `×${(fan / bareFan).toFixed(2)} (${ms(fan)})`,
        baseline: `${ms(bareFan)} bare, ${BURST_WIDTH} at once`,
        goal: '≤ ×1.5',
        met: fan / bareFan <= 1.5,
      },
      {
        name: `${BURST} one-task runs at once`,
        measured: `${((rate / bareRate) * 100).toFixed(0)} % (${rate.toFixed(0)} a second)`,
        baseline: `${bareRate.toFixed(0)} a second bare, ${BURST_WIDTH} at once`,
        goal: '≥ 60 %',
        met: rate / bareRate >= 0.6,
      },
    ];
  } finally {
    await server.stop();
  }
}
