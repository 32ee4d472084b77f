import type { JsonSchema } from '@gofer/contracts';

/** The block `[auth.token]`: nothing of the tokens is configured. */
export const tokenAuthConfigSchema: JsonSchema = { type: 'object', additionalProperties: false, properties: {} };
