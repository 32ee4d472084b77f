import { describeTaskReliability, type TaskFields } from './describe-reliability.ts';
import type { Colours } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';

interface GraphTask extends TaskFields {
  readonly id: string;
  readonly image: string;
  /** Parent → any, success or failure. */
  readonly depends_on: Readonly<Record<string, string>>;
}

/** A line a task, parents before children: what it runs, what it waits for, and its time limits and retries. */
export function renderGraph(tasks: readonly GraphTask[], colours: Colours): string {
  const ordered = inOrder(tasks);
  const width = Math.max(...ordered.map(({ id }) => id.length), 0);
  return ordered
    .map((task) => {
      const parents = Object.entries(task.depends_on).map(([parent, required]) => `${parent}${describe(required)}`);
      const after = parents.length === 0 ? '' : colours.dim(`  after ${toSafeLine(parents.join(', '))}`);
      const words = describeTaskReliability(task);
      const limits = words.length === 0 ? '' : colours.dim(`  ${toSafeLine(words.join(', '))}`);
      return `  • ${toSafeLine(task.id).padEnd(width)}  ${toSafeLine(task.image)}${after}${limits}\n`;
    })
    .join('');
}

function describe(required: string): string {
  switch (required.toLowerCase()) {
    case 'success':
      return ' succeeded';
    case 'failure':
      return ' failed';
    default:
      return ' ended';
  }
}

/** Kahn's order, ties as given; what a cycle holds back comes last. */
function inOrder(tasks: readonly GraphTask[]): GraphTask[] {
  const waiting = new Map(tasks.map((task) => [task.id, Object.keys(task.depends_on).length]));
  const children = new Map<string, GraphTask[]>();
  for (const task of tasks) {
    for (const parent of Object.keys(task.depends_on)) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [task]);
      else known.push(task);
    }
  }
  const ordered = tasks.filter((task) => waiting.get(task.id) === 0);
  for (const task of ordered) {
    for (const child of children.get(task.id) ?? []) {
      const left = (waiting.get(child.id) ?? 0) - 1;
      waiting.set(child.id, left);
      if (left === 0) ordered.push(child);
    }
  }
  return [...ordered, ...tasks.filter((task) => (waiting.get(task.id) ?? 0) > 0)];
}
