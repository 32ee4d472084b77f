/** What the extension says of itself. */
import type { ExtensionInfo } from '@gofer/sdk/extension';

export const DEFAULT_MIN_DURATION = '5m';

export function createInfo(minimum: string): ExtensionInfo {
  return {
    documentation: documentationOf(minimum),
    configParams: [
      {
        key: 'MIN_DURATION',
        required: false,
        documentation: `The shortest interval that a subscription may have; MIN_INTERVAL is another name for it. Default: ${DEFAULT_MIN_DURATION}.`,
      },
    ],
    subscriptionParams: [
      { key: 'every', required: true, documentation: `The time between two starts: a duration such as 5m or 1h30m, at least ${minimum}.` },
      {
        key: 'catch_up',
        required: false,
        documentation: 'What is run where starts were missed while the server or the extension was away: `once` (default) or `skip`.',
      },
    ],
  };
}

function documentationOf(minimum: string): string {
  return `# Interval

Runs a pipeline again and again:

\`\`\`
gofer pipeline subscribe simple interval every_five_mins -s every="5m"
\`\`\`

The first run is started one interval after the subscription was made. All others follow in whole intervals from there, also after a restart:
starts do not drift. The shortest interval is ${minimum} (\`MIN_DURATION\`).

A start that is more than ten seconds late was missed: the server or the extension was away. All that was missed becomes one run
(\`catch_up=once\`) or none (\`skip\`). A start never makes two runs. Another interval starts anew.

## Variables of the run

| Variable | Value |
|---|---|
| \`GOFER_EXTENSION_INTERVAL_TICK\` | The time that was due (RFC 3339, UTC), such as \`2026-12-25T01:00:00.000Z\` |
| \`GOFER_EXTENSION_INTERVAL_SUBSCRIPTION\` | The id of the subscription |
| \`GOFER_EXTENSION_INTERVAL_EVERY\` | Its interval, such as \`5m\` |
`;
}
