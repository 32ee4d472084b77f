/** Which lines a request asks for. */
import { GoferError } from '@gofer/contracts';
import type { QueryOf } from '@gofer/contracts/api';
import type { LineSelection } from '../../workers/logs/line-selection.ts';

const STREAMS = ['stdout', 'stderr', 'gofer'] as const;

/** Undefined: all. Throws `INVALID_ARGUMENT`. */
export function toLineSelection(query: QueryOf<'get_logs'>): LineSelection | undefined {
  const { tail, since, grep, lines, stream } = query;
  const selection: LineSelection = {
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(grep === undefined ? {} : { grep }),
    ...(lines === undefined ? {} : { lines: toLines(lines) }),
    ...(stream === undefined ? {} : { stream: toStream(stream) }),
  };
  return Object.keys(selection).length === 0 ? undefined : selection;
}

function toLines(text: string): { first: number; end: number } {
  const [, first, dash, last] = /^([1-9]\d{0,14})(-([1-9]\d{0,14})?)?$/.exec(text) ?? [];
  const end = dash === undefined ? Number(first) : last === undefined ? Number.MAX_SAFE_INTEGER : Number(last);
  if (first === undefined || end < Number(first))
    throw new GoferError(
      'INVALID_ARGUMENT',
      `\`lines\` must be A-B, A- or A, with numbers from 1 and A not above B, not ${JSON.stringify(text)}`,
    );
  return { first: Number(first) - 1, end };
}

function toStream(text: string): (typeof STREAMS)[number] {
  const stream = STREAMS.find((one) => one === text);
  if (stream === undefined)
    throw new GoferError('INVALID_ARGUMENT', `\`stream\` must be one of ${STREAMS.join(', ')}, not ${JSON.stringify(text)}`);
  return stream;
}
