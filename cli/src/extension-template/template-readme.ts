export function templateReadme(name: string): string {
  const image = name.toLowerCase();
  return `# ${name}

An extension of Gofer: a small web service that starts runs of the pipelines that subscribe to it.

- \`src/index.ts\`: what it does with a subscription.
- \`src/main.ts\`: the process that Gofer starts.
- \`src/index.test.ts\`: tests, with a Gofer server in memory and a clock that the test turns.
- \`vendor/gofer-sdk\`: the SDK, of the \`gofer\` that wrote this folder. It needs nothing but Node 24.

## Test

\`\`\`sh
npm test
\`\`\`

Nothing has to be installed for that. An editor, or \`npx tsc\`, finds the types of Node with \`npm install --save-dev typescript @types/node\`.

## Try it with a server

\`\`\`sh
docker build -t ${image}:dev .
gofer extension install ${name} ${image}:dev
gofer pipeline subscribe simple ${name} hourly -s minutes=60
\`\`\`

After a change, build it again and start it anew; its subscriptions stay:

\`\`\`sh
docker build -t ${image}:dev . && gofer extension upgrade ${name} ${image}:dev
\`\`\`

\`gofer extension install --help\` and \`gofer pipeline subscribe --help\` say what else there is; \`gofer extension logs ${name}\` shows its log.

## The SDK

\`@gofer/sdk\` is not in a registry: its source stands in \`vendor/gofer-sdk\`, and \`imports\` in \`package.json\` names it
\`#gofer/extension\`. For that of a newer \`gofer\`, write a new folder with \`gofer extension new\` and take its \`vendor\` over.
`;
}
