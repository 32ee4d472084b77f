import { spawn } from 'node:child_process';

/** Once what is to be seen holds `after`, beyond what the step before has waited for: what is typed, or done. */
export interface TerminalStep {
  readonly after: string;
  readonly type: string | ((seen: string) => void);
}

/** Runs a command line of the shell on a terminal of its own. Resolves with all that was to be seen, once it has ended. */
export async function onTerminal(
  command: string,
  {
    directory,
    env = {},
    steps,
  }: { readonly directory: string; readonly env?: Readonly<Record<string, string>>; readonly steps: readonly TerminalStep[] },
): Promise<string> {
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, SHELL: '/bin/sh', TERM: 'xterm', NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = [...steps];
  let seen = '';
  let from = 0;
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
    for (let [step] = waiting; step !== undefined; [step] = waiting) {
      const at = seen.indexOf(step.after, from);
      if (at === -1) return;
      from = at + step.after.length;
      waiting.shift();
      if (typeof step.type === 'string') terminal.stdin.write(step.type);
      else step.type(seen);
    }
  });
  await new Promise<void>((resolve, reject) => {
    terminal.on('error', reject);
    terminal.on('close', () => resolve());
  });
  return seen;
}

/** A command line that shows the settings of the terminal before and after another one, and its exit code as `exit N`. */
export function betweenSettings(command: string): string {
  return `stty -g; ${command}; echo "exit $?"; stty -g`;
}

/** The settings that `betweenSettings` shows. */
export function settingsOf(seen: string): string[] {
  return seen.split(/\r?\n/u).filter((line) => /^[0-9a-f]+(?::[0-9a-f]+){10,}$/u.test(line));
}
