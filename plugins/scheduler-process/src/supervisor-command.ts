/**
 * How the supervisor is started: the one place that knows where its entry lies. A bundle, whose files lie elsewhere, registers its own
 * command before the first plugin is created.
 */
import { fileURLToPath } from 'node:url';

export interface SupervisorCommand {
  readonly file: string;
  /** The supervisor's JSON argument (`SupervisorArguments`) follows them. */
  readonly args: readonly string[];
}

let registered: SupervisorCommand | undefined;

/** Replaces the command. `supervisorNodeFlags` are what Node should be given before the entry. */
export function registerSupervisorCommand(command: SupervisorCommand): void {
  registered = command;
}

/**
 * Flags of Node for a supervisor with this entry: a small heap, because forking copies the page tables of the process, and no optimizing
 * compiler, whose work so little code never repays. Only the stripping of types, WebAssembly that runs once at the start, is worth it.
 */
export function supervisorNodeFlags(entry: string): readonly string[] {
  const small = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=256', '--max-semi-space-size=1', '--single-threaded'];
  return entry.endsWith('.ts') ? small : [...small, '--no-opt'];
}

export function supervisorCommand(): SupervisorCommand {
  if (registered !== undefined) return registered;
  const entry = fileURLToPath(new URL('./supervisor/main.ts', import.meta.url));
  return {
    file: process.execPath,
    args: [...supervisorNodeFlags(entry), entry],
  };
}
