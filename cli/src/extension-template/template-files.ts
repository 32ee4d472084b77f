/** The files of a new extension, beside the copy of the SDK: path → contents. */
import { templateReadme } from './template-readme.ts';

export function templateFiles(name: string): ReadonlyMap<string, string> {
  return new Map([
    ['package.json', manifestOf(name)],
    ['tsconfig.json', TSCONFIG],
    ['src/index.ts', FACTORY],
    ['src/main.ts', MAIN],
    ['src/index.test.ts', TEST],
    ['Dockerfile', DOCKERFILE],
    ['.dockerignore', 'node_modules\n.git\n'],
    ['.gitignore', 'node_modules\n'],
    ['README.md', templateReadme(name)],
  ]);
}

function manifestOf(name: string): string {
  const manifest = {
    name: name.toLowerCase(),
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=24' },
    imports: {
      '#gofer/extension': './vendor/gofer-sdk/index.ts',
      '#gofer/extension/testing': './vendor/gofer-sdk/testing/index.ts',
    },
    scripts: { start: 'node src/main.ts', test: "node --test 'src/**/*.test.ts'" },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
    },
    include: ['src'],
  },
  null,
  2,
)}\n`;

const FACTORY = `import { type Extension, type ExtensionHost, Refusal, type SubscriptionName } from '#gofer/extension';

const MINUTE = 60_000;

/** Starts a run at the beginning of every so many minutes. */
export function createExtension(host: ExtensionHost): Extension {
  // A setting of the whole extension, given when it is installed.
  const least = Number(host.config('min_minutes') ?? 1);
  if (!Number.isInteger(least) || least < 1) throw new Error('min_minutes must be a whole number from 1');

  const cancels = new Map<string, () => void>();
  const keyOf = ({ namespaceId, pipelineId, subscriptionId }: SubscriptionName) => \`\${namespaceId}/\${pipelineId}/\${subscriptionId}\`;

  function plan(name: SubscriptionName, minutes: number): void {
    const period = minutes * MINUTE;
    const next = (Math.floor(host.clock.now() / period) + 1) * period;
    const cancel = host.clock.at(next, () => {
      plan(name, minutes);
      host.gofer
        // The same key never starts a second run, however often the request is repeated, and after a restart too.
        .startRun(name, { idempotencyKey: \`\${host.id}/\${name.subscriptionId}/\${next}\`, variables: { TICK: new Date(next).toISOString() } })
        .then(({ runId }) => host.log('info', 'started a run', { subscription: keyOf(name), run_id: runId }))
        .catch((error: unknown) => host.log('error', 'a run could not be started', { subscription: keyOf(name), error }));
    });
    cancels.set(keyOf(name), cancel);
  }

  return {
    info: {
      documentation: 'Starts a run at the beginning of every so many minutes.',
      configParams: [{ key: 'min_minutes', required: false, documentation: 'The least that a subscription may ask for; default 1.' }],
      subscriptionParams: [{ key: 'minutes', required: true, documentation: 'Minutes between two runs: a whole number.' }],
    },
    // Called again for a subscription that is there already: the new one takes the place of the old.
    subscribe({ params, ...name }) {
      const minutes = Number(params['minutes']);
      if (!Number.isInteger(minutes) || minutes < least) throw new Refusal(\`minutes must be a whole number from \${least}\`);
      cancels.get(keyOf(name))?.();
      plan(name, minutes);
    },
    unsubscribe(name) {
      cancels.get(keyOf(name))?.();
      cancels.delete(keyOf(name));
    },
    debug: () => ({ subscriptions: [...cancels.keys()] }),
  };
}
`;

const MAIN = `import { serveExtension } from '#gofer/extension';
import { createExtension } from './index.ts';

await serveExtension(createExtension);
`;

const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestKit } from '#gofer/extension/testing';
import { createExtension } from './index.ts';

const HOUR = 3_600_000;

test('starts a run every so many minutes, each once', async () => {
  const kit = await startTestKit(createExtension, { now: Date.UTC(2026, 0, 1, 12, 5) });
  try {
    await kit.subscribe({ pipelineId: 'simple', subscriptionId: 'half-hourly', params: { minutes: '30' } });
    await kit.clock.advance(HOUR);
    assert.deepEqual(kit.runs.map(({ variables }) => variables['TICK']), ['2026-01-01T12:30:00.000Z', '2026-01-01T13:00:00.000Z']);

    // The answer is lost, the request is repeated, and still there is one run more.
    kit.failNext(1, 'lost answer');
    await kit.clock.advance(HOUR / 2);
    assert.equal(kit.requests.length, 4);
    assert.equal(kit.runs.length, 3);

    await kit.restart({ kill: true, downMs: 1000 });
    await kit.clock.advance(HOUR / 2);
    assert.equal(kit.runs.length, 4);
  } finally {
    await kit.close();
  }
});

test('says what is wrong with a subscription', async () => {
  const kit = await startTestKit(createExtension, { config: { min_minutes: '5' } });
  try {
    const subscription = { pipelineId: 'simple', subscriptionId: 'often', params: { minutes: '1' } };
    await assert.rejects(kit.subscribe(subscription), { message: 'minutes must be a whole number from 5' });
  } finally {
    await kit.close();
  }
});
`;

const DOCKERFILE = `FROM node:24-slim
WORKDIR /extension
ENV NODE_ENV=production
# Where there are packages of others: COPY package-lock.json as well, and RUN npm ci --omit=dev.
COPY package.json ./
COPY vendor ./vendor
COPY src ./src
USER node
EXPOSE 8082
CMD ["node", "src/main.ts"]
`;
