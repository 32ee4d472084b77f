import type { Parameter } from '@gofer/sdk/extension';
import { EVENT_ACTIONS } from './event-filter.ts';
import { variableNames } from './run-variables.ts';

export const SUBSCRIPTION_PARAMETERS: readonly Parameter[] = [
  { key: 'repository', required: true, documentation: 'The repository whose events are listened to: `org/repo`.' },
  {
    key: 'event_filter',
    required: true,
    documentation:
      'The event, and optionally its actions: `<event>/<action1>,<action2>...`. Without actions every action starts a run. Events: ' +
      `${Object.keys(EVENT_ACTIONS).join(', ')}.`,
  },
];

/** Markdown. */
export function documentation(): string {
  return `# GitHub

Runs pipelines when something happens in a GitHub repository, and tells pull requests how the runs ended.

\`\`\`
gofer extension install github builtin:github \\
    -c "APP_ID=112348" \\
    -c "APP_INSTALLATION=99560091" \\
    -c "APP_KEY=$(base64 -w0 myorg-gofer.private-key.pem)" \\
    -c "APP_WEBHOOK_SECRET=somereallylongstringofcharacters"

gofer pipeline subscribe simple github run_tests \\
    -s "repository=myorg/myrepo" \\
    -s "event_filter=pull_request_with_check/opened,synchronize,reopened"
\`\`\`

## The GitHub app

1. [Register a GitHub app](https://docs.github.com/apps/creating-github-apps). Its webhook URL is the address of Gofer's external events
   with the id of this extension, such as \`https://gofer.example.com/events/github\`; its webhook secret a long random text, which becomes
   \`APP_WEBHOOK_SECRET\`; the content type may be either.
2. Permissions: *Checks* read and write, *Contents* and *Pull requests* read. Events: *Pull request*, *Push*, *Release*.
3. Make a private key (\`APP_KEY\`), note the app's id (\`APP_ID\`), install the app, and take the installation's id from the address of its
   page or from the payload of any recent delivery (\`APP_INSTALLATION\`).

For GitHub Enterprise Server set \`GITHUB_API_URL=https://HOST/api/v3\`.

## Variables of the run, by event

Only these events start runs; whatever else the app sends is accepted and starts nothing. A variable whose field the event lacks is empty.

${section('pull_request', 'pull_request')}
${section('pull_request_with_check', 'pull_request')}
Not an event of GitHub's: a \`pull_request\` whose commit is given a check, \`gofer/PIPELINE/SUBSCRIPTION\` (with the namespace in front of
the pipeline unless it is \`default\`). It is in progress as long as the run is, and then says how the run ended: success, failure, cancelled,
or neutral where nobody knows. While GitHub cannot be reached this is made up for, up to 24 hours, and restarts do not lose it.

${section('push', 'push')}
A push that deletes a branch or a tag starts no run: there is no commit to run for. \`GOFER_EXTENSION_GITHUB_ACTION\` is empty.

${section('release', 'release')}

## What is sent twice

An event is dealt with once. A delivery with an id that was seen, or with a body that was seen under another id, is refused; that goes for
*Redeliver* of GitHub and for \`redeliver\` of Gofer too, once the event is done. The latest 10,000 events are remembered. An event of which some
runs could not be started is not done: delivered again, it starts those that are missing. To repeat a run, retry the run.

## Values are never references

Who names a branch or writes a commit decides on the values of variables. A value such as \`pipeline_secret{{key}}\`, which would have
Gofer look up a secret, is given as \`pipeline_secret {{key}}\`. Still quote the variables wherever a shell reads them.
`;
}

function section(name: keyof typeof EVENT_ACTIONS, event: 'pull_request' | 'push' | 'release'): string {
  const actions: readonly string[] = EVENT_ACTIONS[name];
  const list = variableNames(event).map((variable) => `- \`${variable}\``);
  return `### ${name}\n\n${actions.length === 0 ? 'No actions.' : `Actions: ${actions.join(', ')}.`}\n\n${list.join('\n')}\n`;
}
