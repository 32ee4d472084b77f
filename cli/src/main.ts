/**
 * The program. One subcommand is not a person's: a server starts its own executable with it to run an extension that comes with it, and that
 * process loads nothing else of the command.
 */
import { RUN_BUILT_IN } from './extension/built-in-names.ts';

const [first, second, name] = process.argv.slice(2);
if (first === RUN_BUILT_IN[0] && second === RUN_BUILT_IN[1]) {
  const { runBuiltIn } = await import('./extension/run-built-in.ts');
  await runBuiltIn(name ?? '');
} else {
  await import('./command-process.ts');
}
