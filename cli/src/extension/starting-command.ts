import type { Extension } from '@gofer/contracts/api';
import { GoferCommand } from '../gofer-command.ts';
import { renderDoneWithExtension } from '../output/extension-views.ts';
import { lastWordsOfFailed } from './last-words.ts';

/** A command that starts an extension. */
export abstract class ExtensionStartingCommand extends GoferCommand {
  /** What was done, and of one that should run and does not, what it said last. */
  protected async showStarted(done: string, extension: Extension): Promise<void> {
    const isForPeople = (await this.settings()).outputFormat === 'plain';
    const said = isForPeople ? await lastWordsOfFailed(await this.client(), extension) : [];
    await this.show(extension, (presentation) => renderDoneWithExtension(done, extension, said, presentation));
  }
}
