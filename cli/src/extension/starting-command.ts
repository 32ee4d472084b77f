import type { Extension } from '@gofer/contracts/api';
import { GoferCommand } from '../gofer-command.ts';
import { renderDoneWithExtension } from '../output/extension-views.ts';
import { lastWords } from './last-words.ts';

/** A command that starts an extension. */
export abstract class ExtensionStartingCommand extends GoferCommand {
  /** What was done, and of one that should run and does not, what it said last. */
  protected async showStarted(done: string, extension: Extension): Promise<void> {
    const { extension_id, status } = extension.registration;
    const isForPeople = (await this.settings()).outputFormat === 'plain';
    const isDown = extension.state !== 'running' && status === 'enabled' && extension.last_error !== undefined;
    const said = isForPeople && isDown ? await lastWords(await this.client(), extension_id) : [];
    await this.show(extension, (presentation) => renderDoneWithExtension(done, extension, said, presentation));
  }
}
