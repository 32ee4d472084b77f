/** What the extension says of itself. */
import type { ExtensionInfo } from '@gofer/sdk/extension';

export const DEFAULT_MAX_DEPTH = '20';

const documentation = `# Pipeline

Runs a pipeline when another one has run:

\`\`\`
gofer pipeline subscribe deploy pipeline after_build -s pipeline=build -s status=successful
\`\`\`

\`pipeline\` is the id of a pipeline in the same namespace. \`NAMESPACE/PIPELINE\` names one in another namespace: an administrator allows that for
all that may subscribe to this extension (\`FOLLOWED_NAMESPACES\`), and gives it a role that may read events there (\`additional_roles\`) where none
of that namespace's pipelines subscribes to it. \`status\` is a list of \`successful\`, \`failed\` and
\`cancelled\`, or \`any\`.

Every run that ends after the subscription was made counts once, also while the server or the extension is away. Another pipeline or status
starts anew.

A pipeline cannot follow itself. Pipelines that start each other in a circle can be subscribed: such a chain is cut after
${DEFAULT_MAX_DEPTH} runs (\`MAX_DEPTH\`), and the extension's log says so.

## Variables of the run

| Variable | Value |
|---|---|
| \`GOFER_EXTENSION_PIPELINE_NAMESPACE\` | The namespace of the run that has ended |
| \`GOFER_EXTENSION_PIPELINE_PIPELINE\` | Its pipeline |
| \`GOFER_EXTENSION_PIPELINE_RUN\` | Its number |
| \`GOFER_EXTENSION_PIPELINE_STATUS\` | \`successful\`, \`failed\` or \`cancelled\` |
| \`GOFER_EXTENSION_PIPELINE_EVENT\` | The event that has told of its end |
| \`GOFER_EXTENSION_PIPELINE_DEPTH\` | How many pipelines of such a chain there are up to this run, beside the first |
`;

export const info: ExtensionInfo = {
  documentation,
  configParams: [
    {
      key: 'MAX_DEPTH',
      required: false,
      documentation: `How long a chain of pipelines that start each other may be. Default: ${DEFAULT_MAX_DEPTH}.`,
    },
    {
      key: 'FOLLOWED_NAMESPACES',
      required: false,
      documentation: 'Namespaces whose pipelines those of others may follow, separated by commas, or `*`. Default: none.',
    },
  ],
  subscriptionParams: [
    { key: 'pipeline', required: true, documentation: 'The pipeline whose runs are followed: its id, or NAMESPACE/PIPELINE.' },
    {
      key: 'status',
      required: false,
      documentation: 'How such a run must have ended: a list of `successful` (default), `failed`, `cancelled`, or `any`.',
    },
  ],
};
