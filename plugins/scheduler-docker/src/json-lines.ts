import { StringDecoder } from 'node:string_decoder';
import { EngineError } from './engine-error.ts';

const LONGEST_LINE = 1024 * 1024;

/** The values of a stream of JSON lines, as the engine writes its events and the progress of a pull. */
export async function* jsonLines(parts: AsyncIterable<Buffer>): AsyncGenerator<unknown, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const part of parts) {
    const lines = (rest + decoder.write(part)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new EngineError(500, `the engine wrote a line of more than ${LONGEST_LINE} characters`);
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
}
