/** The pages of docs/ that are made from code: name → content. */
import { configurationReference } from '@gofer/config';
import { ERROR_TABLE, type ErrorCode } from '@gofer/contracts';
import { builtInPluginSchemas } from '../cli/src/built-in-plugin-schemas.ts';
import { cliReference } from '../cli/src/help/cli-reference.ts';
import { ERROR_MEANINGS } from './error-meanings.ts';

const WRITTEN_BY = 'Written by `npm run generate:docs`; change the code that it is made from.';

export function generatedPages(): Readonly<Record<string, string>> {
  return { 'cli.md': cliReference(), 'configuration.md': configurationPage(), 'errors.md': errorsPage() };
}

function configurationPage(): string {
  const reference = configurationReference(builtInPluginSchemas);
  return reference.replace('# Configuration\n', `# Configuration\n\n${WRITTEN_BY}\n\n${NOT_THERE_YET}\n`);
}

const NOT_THERE_YET = `## What is read and has no effect yet

The configuration is already that of the whole product, so that a file written today stays good. In this release

these are checked and otherwise ignored: \`storage_results_limit\` and \`default_encryption\`.`;

function errorsPage(): string {
  const rows = (Object.keys(ERROR_TABLE) as ErrorCode[]).map((code) => {
    const { http, exit } = ERROR_TABLE[code];
    const { meaning, remedy } = ERROR_MEANINGS[code];
    return `| \`${code}\` | ${http} | ${exit} | ${meaning} | ${remedy} |`;
  });
  return `# Errors

${WRITTEN_BY}

Everything that can go wrong has one of these codes, wherever it shows: as \`error_code\` in an answer of the API, as the exit code of a
command, in a failure that crosses a thread. Compare the code, never the text: the text is for people and may change.

An answer of the API that is an error has this body; \`details\` is there when there are faults to list:

\`\`\`json
{
  "request_id": "01a20a66-ba3f-70d9-b302-369708b49d6c",
  "error_code": "INVALID_ARGUMENT",
  "message": "The pipeline cannot be registered. $.config.name: must be a string, is missing",
  "details": [{ "path": "$.config.name", "message": "must be a string, is missing" }]
}
\`\`\`

Commands print their errors to stderr. Beside the exit codes of the table, 0 is success.

| Code | HTTP | Exit | What it means | What to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
