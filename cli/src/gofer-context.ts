import type { BaseContext } from 'clipanion';
import type { GoferClient } from './api/gofer-client.ts';
import type { CliSettings } from './cli-settings.ts';
import type { GlobalFlags } from './global-flags.ts';
import type { Colours } from './output/presentation.ts';
import type { Surroundings } from './surroundings.ts';

export interface GoferContext extends BaseContext, Omit<Surroundings, keyof BaseContext> {
  readonly stdin: Surroundings['stdin'];
  readonly stdout: Surroundings['stdout'];
  readonly stderr: Surroundings['stderr'];
  readonly env: Record<string, string | undefined>;
  readonly flags: GlobalFlags;
  /** For stdout and stderr each as that output is a terminal or not. */
  readonly colours: Colours;
  readonly errorColours: Colours;
  /** Read on first use. Rejects with `CONFIG_INVALID`. */
  readonly settings: () => Promise<CliSettings>;
  readonly client: () => Promise<GoferClient>;
  /** Runs another command with the same flags. */
  readonly dispatch: (argv: readonly string[]) => Promise<number>;
}
