import { closestName } from '@gofer/config';
import { ERROR_TABLE, GoferError } from '@gofer/contracts';
import { type AuditEntry, type QueryOf, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { parseMoment } from '../../input/parse-moment.ts';
import { renderAudit } from '../../output/audit-views.ts';
import { toSafeLine } from '../../output/sanitise.ts';

const DEFAULT_LIMIT = 100;
/** Entries in one answer. */
const LARGEST_PAGE = 1_000;
/** What is shown is held in memory until the last of it is there. */
const MOST_ENTRIES = 100_000;

const OPERATIONS = Object.entries<RouteDefinition>(ROUTES).flatMap(([name, { method, audit }]) =>
  method !== 'GET' || audit?.when !== undefined ? [name] : [],
);
const RESULTS = ['success', 'failure', ...Object.keys(ERROR_TABLE)];

export class AuditList extends GoferCommand {
  static override paths = [['audit', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Audit',
    description: 'Show who did what, newest first',
    details: `Everything that changes something is in it, and reading of secrets. --namespace limits it to one namespace; it is all of them otherwise, whatever your configuration says.

A time is written like 2026-02-28T08:30:00Z or 2026-02-28 (UTC where it has no zone), or as how long ago it was: 90m, 12h, 7d. --detail shows exact times, tokens, addresses and requests.`,
    examples: [
      ['The last hundred', '$0 audit list'],
      ['What was refused in the last week', '$0 audit list --since 7d --result failure --detail'],
      ['Who deleted a pipeline', '$0 audit list --namespace default --pipeline simple --operation delete_pipeline'],
    ],
  });

  since = Option.String('--since', { description: 'Only from this time on' });
  until = Option.String('--until', { description: 'Only before this time' });
  user = Option.String('--user', { description: 'Only what this user did' });
  tokenId = Option.String('--token-id', { description: 'Only what was done with this token' });
  operation = Option.String('--operation', { description: 'Only this operation, such as start_run' });
  result = Option.String('--result', { description: 'Only with this result: success, failure (all others), or an error code' });
  pipeline = Option.String('--pipeline', { description: 'Only on this pipeline' });
  limit = Option.String('-l,--limit', { description: `At most so many (default ${DEFAULT_LIMIT})` });
  all = Option.Boolean('--all', false, { description: `All of them, up to ${MOST_ENTRIES.toLocaleString('en')}` });

  async execute(): Promise<void> {
    const limit = this.#limit();
    const filter = this.#filter();
    const { entries, isCut } = await this.#collect(filter, limit);
    await this.show(entries, (presentation) => renderAudit(entries, presentation));
    if (entries.length === 0) await this.note(describeNone(filter));
    const last = entries.at(-1);
    if (isCut && last !== undefined) {
      const until = new Date(last.at + 1).toISOString();
      await this.note(
        `These are the newest ${entries.length}; there are more. Earlier ones: --until ${until}${this.all ? '' : ', or --limit, or --all'}`,
      );
    }
  }

  #limit(): number {
    if (this.all && this.limit !== undefined)
      throw new GoferError('INVALID_ARGUMENT', '--all has no limit, and --limit gives one: give one of them');
    if (this.all) return MOST_ENTRIES;
    const limit = this.limit === undefined ? DEFAULT_LIMIT : readCount(this.limit, '--limit', { minimum: 1 });
    if (limit > MOST_ENTRIES)
      throw new GoferError('INVALID_ARGUMENT', `--limit is at most ${MOST_ENTRIES}, not ${limit}: narrow it with --since and --until`);
    return limit;
  }

  #filter(): Filter {
    const now = this.context.now();
    const given = {
      since: this.since === undefined ? undefined : parseMoment(this.since, '--since', now),
      until: this.until === undefined ? undefined : parseMoment(this.until, '--until', now),
      user: this.user,
      token_id: this.tokenId,
      operation: this.operation,
      result: this.result,
      // Not the configured one: what happened elsewhere would be missing without a word.
      namespace_id: this.context.flags.namespace,
      pipeline_id: this.pipeline,
    };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  }

  /** One more than is shown is asked for, to know whether there are more. */
  async #collect(filter: Filter, limit: number): Promise<{ entries: AuditEntry[]; isCut: boolean }> {
    const client = await this.client();
    const entries: AuditEntry[] = [];
    for (;;) {
      const wanted = Math.min(LARGEST_PAGE, limit + 1 - entries.length);
      const before = entries.at(-1)?.id;
      const query = { ...filter, limit: wanted, ...(before === undefined ? {} : { before }) };
      const page = await client.call('list_audit', { query });
      entries.push(...page.entries);
      if (entries.length > limit) return { entries: entries.slice(0, limit), isCut: true };
      if (page.entries.length < wanted) return { entries, isCut: false };
    }
  }
}

/** A slip in a name finds nothing, and must not pass for good news. A newer server may know other names, so that it is no error. */
function describeNone({ operation, result }: Filter): string {
  const unknown = [
    ...(operation === undefined ? [] : describeUnknown('--operation', operation, OPERATIONS)),
    ...(result === undefined ? [] : describeUnknown('--result', result, RESULTS)),
  ];
  return unknown.length === 0 ? 'Nothing in the audit matches.' : unknown.join('\n');
}

function describeUnknown(flag: string, name: string, known: readonly string[]): string[] {
  if (known.includes(name)) return [];
  const meant = closestName(name, known);
  return [
    `! ${flag} ${toSafeLine(name)} is nothing that this command knows; ${meant === undefined ? `it is one of ${known.join(', ')}` : `did you mean ${meant}?`}`,
  ];
}

type Filter = Partial<Omit<QueryOf<'list_audit'>, 'limit' | 'before'>>;
