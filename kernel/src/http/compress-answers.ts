/** Answers that are worth it are sent compressed to those who take that. */
import type { Middleware } from 'koa';
import compress from 'koa-compress';

/** Smaller answers cost more to compress than to send. */
const FROM_BYTES = 4096;
const CODINGS = ['gzip', 'deflate', 'identity'];

export function compressAnswers(): Middleware {
  // Brotli and zstd win little over gzip on answers of this size and cost the main thread more.
  const compressed = compress({ threshold: FROM_BYTES, br: false, zstd: false });
  return (context, next) => {
    // Who refuses every coding gets the answer as it is (RFC 9110 §12.5.3); the library fails there.
    if (context.acceptsEncodings(CODINGS) === false) context.compress = false;
    return compressed(context, next);
  };
}
