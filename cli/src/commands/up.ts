import { readFile } from 'node:fs/promises';
import { codeOf, ERROR_TABLE, GoferError, isGoferError } from '@gofer/contracts';
import type { PipelineJson } from '@gofer/contracts/pipeline';
import { Option } from 'clipanion';
import { readText } from '../api/answer-error.ts';
import { ownSdk, sdkResolver } from '../assets.ts';
import { GoferCommand } from '../gofer-command.ts';
import { renderGraph } from '../output/graph-view.ts';
import { toSafeLine } from '../output/sanitise.ts';
import { renderPlan, toStepJson } from '../output/subscription-steps.ts';
import { findPipelineProgram, type PipelineProgram } from '../up/pipeline-program.ts';
import { readDefinition } from '../up/read-definition.ts';
import { runProgram } from '../up/run-program.ts';
import { SubscriptionKeepingCommand } from '../up/subscription-keeping-command.ts';
import { planSubscriptions } from '../up/subscription-plan.ts';

/** A dry run needs no server, and waits so long for one. */
const DRY_RUN_SILENCE = 5_000;

export class Up extends SubscriptionKeepingCommand {
  static override paths = [['up']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Register a pipeline and make it live',
    details: `
      PATH is a folder with a package.json or a pipeline.ts (TypeScript, JavaScript), a go.mod (Go) or a Cargo.toml (Rust), a single .ts, .js or .go file, an executable, a .json file, or - for JSON on stdin.

      The program runs here, with your own tools, and prints its pipeline. It is checked before anything is sent, and all that is wrong is shown at once. TypeScript needs no build and no installation: where the folder does not have @gofer/sdk, the import resolves to the copy that gofer brings.

      Subscriptions in the code are made, changed and ended so that the pipeline has those of its code; those that people have made stay. Where one of them fails the others are done all the same, and the exit code is 1. --no-deploy leaves all of them alone.
    `,
    examples: [
      ['A folder', '$0 up ./simple'],
      ['One file, only to see what would be registered', '$0 up simple.ts --dry-run'],
      ['The JSON of any program', '$0 up - < simple.json'],
    ],
  });

  source = Option.String({ name: 'path' });
  dryRun = Option.Boolean('--dry-run', false, { description: 'Check it and show it, but send nothing' });
  deploy = Option.Boolean('-d,--deploy', true, {
    description: 'Make the new version the live one (the default; --no-deploy only registers it)',
  });

  async execute(): Promise<number> {
    const definition = await this.#definition();
    if (this.dryRun) {
      await this.#showPlan(definition);
      return 0;
    }
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: definition.id };
    const { pipeline } = await client.call('register_config', { path, body: { config: definition } });
    const { version, name } = pipeline.config;
    const seen = this.deploy ? await this.seeSubscriptions(path) : undefined;
    if (this.deploy) await client.call('deploy_config', { path: { ...path, version } });
    const current = this.deploy
      ? { ...pipeline, config: (await client.call('get_config', { path: { ...path, version } })).config }
      : pipeline;
    const ns = await this.inNamespace();
    const isForPrograms = (await this.settings()).outputFormat === 'json';
    const hints: (readonly [string, string])[] = [
      ['View details of your pipeline', `gofer pipeline get ${definition.id}${ns}`],
      this.deploy
        ? ['Start a new run and watch it', `gofer run start ${definition.id} --follow${ns}`]
        : ['Make this version live', `gofer pipeline config deploy ${definition.id} ${version}${ns}`],
    ];
    if (!isForPrograms) await this.showDone(current, `Registered pipeline: [${definition.id}] "${toSafeLine(name)}" v${version}`, hints);
    const wanted = definition.subscriptions ?? [];
    const applied = seen === undefined ? [] : await this.keepSubscriptions(path, wanted, seen);
    if (isForPrograms) await this.show(applied.length === 0 ? current : { ...current, subscriptions: applied.map(toStepJson) }, () => '');
    // It is live, and lacks what its code asks for.
    if (seen !== undefined && 'refusal' in seen && wanted.length > 0) throw seen.refusal;
    return applied.some(({ error }) => error !== undefined) ? ERROR_TABLE.RUN_FAILED.exit : 0;
  }

  /** What would become of the subscriptions, as far as a server tells; empty where nothing would. */
  async #dryPlan(definition: PipelineJson): Promise<string> {
    const wanted = definition.subscriptions ?? [];
    const { colours } = this.context;
    try {
      const client = await this.client();
      const path = { namespace_id: await this.namespaceId(), pipeline_id: definition.id };
      const { subscriptions } = await client.call('list_subscriptions', { path }, { silence: DRY_RUN_SILENCE });
      return renderPlan(planSubscriptions(wanted, subscriptions), colours);
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return renderPlan(planSubscriptions(wanted, []), colours);
      if (!isGoferError(error)) throw error;
      if (wanted.length === 0) return '';
      const [why = ''] = error.message.split('\n');
      return `${renderPlan(planSubscriptions(wanted, []), colours)}  ${colours.yellow('!')} Which of them there are already is not known: ${toSafeLine(why)}\n`;
    }
  }

  async #definition(): Promise<PipelineJson> {
    const preload = sdkResolver();
    preload.searchParams.set('sdk', ownSdk().href);
    const { workingDirectory, node } = this.context;
    const program = await findPipelineProgram(this.source, { workingDirectory, node, preload: preload.href });
    return readDefinition(await this.#read(program), program.kind === 'stdin' ? 'stdin' : this.source);
  }

  async #read(program: PipelineProgram): Promise<string> {
    if (program.kind === 'stdin') return await readText(this.context.stdin as AsyncIterable<Uint8Array>, Number.POSITIVE_INFINITY);
    if (program.kind === 'program') {
      const silent = (await this.context.settings()).outputFormat === 'silent';
      return await runProgram(program, { environment: this.context.env, stderr: silent ? undefined : this.context.stderr });
    }
    try {
      return await readFile(program.path, 'utf8');
    } catch (error) {
      throw new GoferError(
        'INVALID_ARGUMENT',
        `${program.path} cannot be read (${error instanceof Error ? error.message : String(error)})`,
        { cause: error },
      );
    }
  }

  async #showPlan(definition: PipelineJson): Promise<void> {
    const isForPeople = (await this.settings()).outputFormat === 'plain' && this.deploy;
    const subscriptions = isForPeople ? await this.#dryPlan(definition) : '';
    await this.show(definition, ({ colours }) => {
      const tasks = definition.tasks.length === 1 ? '1 task' : `${definition.tasks.length} tasks`;
      return (
        `${colours.green('✓')} [${definition.id}] "${toSafeLine(definition.name)}" is valid: ${tasks}. Nothing was sent.\n\n` +
        `${renderGraph(definition.tasks, colours)}\n` +
        (subscriptions === '' ? '' : `${subscriptions}\n`) +
        `  Register it: ${colours.cyan(`gofer up ${this.source}`)}\n  See the JSON: ${colours.cyan(`gofer up ${this.source} --dry-run --output-format json`)}\n`
      );
    });
  }
}
