import { GoferError } from '@gofer/contracts';
import { type PipelineJson, parsePipelineDefinition, toPipelineJson } from '@gofer/contracts/pipeline';
import { toSafeText } from '../output/sanitise.ts';

/**
 * The definition in a program's output, checked with the server's own code. `origin` names it in errors. Throws `INVALID_ARGUMENT`
 * with every fault and its JSON path.
 */
export function readDefinition(text: string, origin: string): PipelineJson {
  const { definition, faults } = parsePipelineDefinition(parse(text, origin));
  if (definition !== undefined) return toPipelineJson(definition);
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  throw new GoferError('INVALID_ARGUMENT', `the pipeline of ${origin} has ${count}; nothing was registered`, { details: faults });
}

function parse(text: string, origin: string): unknown {
  if (text.trim() === '') {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `${origin} printed nothing: a pipeline program ends by printing its pipeline as JSON (finish() in the SDK)`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const shown = toSafeText(text.trim()).slice(0, 200);
    throw new GoferError(
      'INVALID_ARGUMENT',
      `${origin} printed something that is not one JSON document (${error instanceof Error ? error.message : String(error)}). Everything else belongs on stderr. It begins with:\n  ${shown.replaceAll('\n', '\n  ')}`,
      { cause: error },
    );
  }
}
