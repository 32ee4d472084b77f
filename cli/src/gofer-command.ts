import { codeOf, GoferError } from '@gofer/contracts';
import { Command, Option } from 'clipanion';
import type { GoferClient } from './api/gofer-client.ts';
import type { CliSettings } from './cli-settings.ts';
import type { GoferContext } from './gofer-context.ts';
import { parseLength } from './input/parse-length.ts';
import type { Presentation } from './output/presentation.ts';
import { toSafeJson } from './output/sanitise.ts';
import { writeFully } from './output/write-fully.ts';

/** What every command is: it reads its arguments, asks the server, and shows a result in the format that was asked for. */
export abstract class GoferCommand extends Command<GoferContext> {
  abstract override execute(): Promise<number | void>;

  protected client(): Promise<GoferClient> {
    return this.context.client();
  }

  protected settings(): Promise<CliSettings> {
    return this.context.settings();
  }

  protected async namespaceId(): Promise<string> {
    return (await this.settings()).namespace;
  }

  protected async presentation(): Promise<Presentation> {
    const { detail } = await this.settings();
    return { colours: this.context.colours, detail, now: this.context.now() };
  }

  /** The result of a command: `resource` for programs, `plain` for people. A plain text ends with a newline. */
  protected async show(resource: unknown, plain: (presentation: Presentation) => string): Promise<void> {
    const { outputFormat } = await this.settings();
    if (outputFormat === 'json') await this.write(`${toSafeJson(resource, 2)}\n`);
    if (outputFormat === 'plain') await this.write(plain(await this.presentation()));
  }

  /** What was done, with the commands that may follow. */
  protected async showDone(
    resource: unknown,
    message: string,
    next: readonly (readonly [purpose: string, command: string])[] = [],
  ): Promise<void> {
    await this.show(resource, ({ colours }) => {
      const hints = next.map(([purpose, command]) => `  ${purpose}: ${colours.cyan(command)}\n`).join('');
      return `${colours.green('✓')} ${message}\n${hints}`;
    });
  }

  /** Resolves when the reader has room again. */
  protected write(text: string | Uint8Array): Promise<void> {
    return writeFully(this.context.stdout, text);
  }

  /** Something worth knowing that is not the result. */
  protected async note(text: string): Promise<void> {
    if ((await this.settings()).outputFormat === 'plain') await writeFully(this.context.stderr, `${text}\n`);
  }

  /**
   * Of what is to be deleted and what the API deletes whether it is there or not: rejects as `look` does where that does not find it. Whoever
   * may delete but not see is told so.
   */
  protected async assertThere(look: () => Promise<unknown>): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (codeOf(error) !== 'PERMISSION_DENIED') throw error;
      await this.note(
        `${this.context.errorColours.yellow('!')} Whether there was one cannot be seen: your token may delete it, but not see it`,
      );
    }
  }

  /** The flag that makes a suggested command work in this namespace; empty in the default one. */
  protected async inNamespace(): Promise<string> {
    const namespace = await this.namespaceId();
    return namespace === 'default' ? '' : ` --namespace ${namespace}`;
  }
}

export const limitOption = () => Option.String('-l,--limit', '10', { description: 'At most so many (default 10)' });
export const offsetOption = () => Option.String('-o,--offset', '0', { description: 'Leave out the first so many' });
export const noReverseOption = () => Option.Boolean('-n,--no-reverse', false, { description: 'Oldest first instead of newest first' });
export const variablesOption = () =>
  Option.Array('-v,--variable', [], { description: 'A variable for the run, KEY=VALUE; may be given several times' });

const LONGEST_GRACE = 86_400;

/** Whole seconds of `--wait-for`: a number of them, or a length such as `90s` or `2m`. */
export function readGrace(text: string): number {
  const seconds = parseLength(text);
  if (seconds !== undefined && Number.isInteger(seconds) && seconds <= LONGEST_GRACE) return seconds;
  throw new GoferError('INVALID_ARGUMENT', `--wait-for is a time in whole seconds of a day at most, such as 90, 30s or 2m; not "${text}"`);
}

/** `what` names the argument in the error. */
export function readCount(text: string, what: string, options: { minimum: number }): number {
  const value = /^\d{1,15}$/u.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < options.minimum) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `${what} must be a whole number${options.minimum > 0 ? ` from ${options.minimum}` : ''}, not "${text}"`,
    );
  }
  return value;
}
