import { type Fault, GoferError } from '@gofer/contracts';
import { ACTIONS, RESOURCE_TARGETS, RESOURCES, type RolePermission } from '@gofer/contracts/api';
import type { GoferContext } from '../gofer-context.ts';
import { type Ask, withQuestions } from '../input/with-questions.ts';
import { renderPermissions } from '../output/role-views.ts';
import { toSafeLine } from '../output/sanitise.ts';
import { formatPermission, parseActions, parseResources } from './permission-words.ts';

const INTRODUCTION = `A role has permissions: actions on resources.
  Resources: ${RESOURCES.join(', ')}
  Of ${Object.keys(RESOURCE_TARGETS).join(', ')} those with certain ids, by a regular expression for the whole id: namespaces:^devops.*
`;

export interface AskedRole {
  readonly description: string;
  readonly permissions: RolePermission[];
}

/** Asks for what a new role is to allow, shows it and asks whether it is right. Rejects with `CANCELLED` where it is not. */
export function askRole(
  context: GoferContext,
  role: { readonly id: string; readonly description: string | undefined },
): Promise<AskedRole> {
  const { stderr, errorColours } = context;
  return withQuestions(context, async (ask) => {
    const description = role.description ?? (await ask(`Description of the role ${toSafeLine(role.id)}: `));
    stderr.write(INTRODUCTION);
    const permissions: RolePermission[] = [];
    do {
      const say = (fault: Fault) => void stderr.write(`  ${errorColours.yellow(fault.message)}\n`);
      const resources = await askUntilGood(ask, 'Resources (such as namespaces:^devops.*,pipelines): ', parseResources, say);
      const actions = await askUntilGood(ask, `Actions (of ${ACTIONS.join(', ')}; all of them if you give none): `, parseGivenActions, say);
      permissions.push({ resources, actions });
    } while (isYes(await ask('One more permission? [y/N] ')));
    const typed = permissions.map((permission) => ` -p ${quoted(formatPermission(permission))}`).join('');
    stderr.write(
      `\n${renderPermissions(permissions, errorColours)}\n` +
        `The same without questions: ${errorColours.cyan(`gofer role create ${toSafeLine(role.id)} ${quoted(description)}${typed}`)}\n`,
    );
    if (!isYes(await ask(`Create the role ${toSafeLine(role.id)}? [y/N] `))) throw new GoferError('CANCELLED', 'the role was not created');
    return { description, permissions };
  });
}

async function askUntilGood<Answer>(
  ask: Ask,
  question: string,
  parse: (text: string, path: string, faults: Fault[]) => Answer,
  say: (fault: Fault) => void,
): Promise<Answer> {
  for (;;) {
    const faults: Fault[] = [];
    const answer = parse(await ask(question), '', faults);
    if (faults.length === 0) return answer;
    for (const fault of faults) say(fault);
  }
}

function parseGivenActions(text: string, path: string, faults: Fault[]): ReturnType<typeof parseActions> {
  return text === '' ? [...ACTIONS] : parseActions(text, path, faults);
}

function isYes(answer: string): boolean {
  return /^y(?:es)?$/iu.test(answer);
}

/** As a word of the shell. */
function quoted(text: string): string {
  return `'${toSafeLine(text).replaceAll("'", String.raw`'\''`)}'`;
}
