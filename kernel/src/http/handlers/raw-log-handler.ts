/** A task's log as bytes; once it is sealed and never changes again, with an entity tag. */
import type { LogService } from '../../services/services.ts';
import type { RawHandlers } from '../route-request.ts';
import { answerBytes } from './byte-answer.ts';
import { toTaskPath } from './request-paths.ts';

export function createRawLogHandler(logs: LogService): Pick<RawHandlers, 'get_logs_raw'> {
  return {
    get_logs_raw: async ({ path, query: { attempt } }, context) => {
      const task = toTaskPath(path);
      const { bytes, seal } = await logs.stat(task, attempt);
      // What was cut off on the disk is not there, whatever the seal says.
      const isWhole = seal?.bytes === bytes;
      context.set('gofer-log-complete', String(seal?.complete === true && isWhole));
      await answerBytes(context, {
        size: bytes,
        etag: seal === undefined || !isWhole ? undefined : `"${seal.sha256}"`,
        mediaType: 'text/plain; charset=utf-8',
        what: 'log',
        // Not beyond what was there when the length was told: a log may grow meanwhile.
        open: async (range) => (await logs.raw(task, range ?? { start: 0, end: bytes - 1 }, attempt)).stream,
      });
    },
  };
}
