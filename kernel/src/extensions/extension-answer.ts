/** What an extension's answers say. It may be anybody's program: whatever comes is measured, cleaned, and refused where it makes no sense. */
import type { ExtensionDocumentation } from '@gofer/contracts/api';

/** An answer that does not say what the protocol asks for; the message continues a sentence that names the extension and the call. */
export class NonsenseAnswer extends Error {
  override readonly name = 'NonsenseAnswer';
}

const LONGEST_WORDS = 500;

type Parameters = ExtensionDocumentation['config_params'];
type Fields = Readonly<Record<string, unknown>>;

/** What `GET /api/info` answers. Lists and texts that are absent or null are empty ones. Throws `NonsenseAnswer`. */
export function readDocumentation(text: string): ExtensionDocumentation {
  const documentation = fieldsOf(parse(text)['documentation'] ?? {}, 'documentation');
  return {
    config_params: readParameters(documentation, 'config_params'),
    pipeline_subscription_params: readParameters(documentation, 'pipeline_subscription_params'),
    body: readText(documentation, 'body', 'documentation.body'),
  };
}

/** What `GET /api/debug` answers. Throws `NonsenseAnswer`. */
export function readDebug(text: string): string {
  const { info } = parse(text);
  if (typeof info !== 'string') throw new NonsenseAnswer('info is not a text');
  return info.toWellFormed();
}

/**
 * An extension's own words for an error: the `message` of a JSON object, else the text as it is. One line of at most 500 characters that
 * a terminal shows as they are; empty where there are none.
 */
export function readWords(text: string): string {
  return toLine(messageIn(text) ?? text);
}

/** One line of at most 500 characters, without what a terminal takes for more than a character. */
export function toLine(text: string): string {
  const line = text
    // What would be cut away anyway need not be looked at.
    .slice(0, LONGEST_WORDS * 8)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  const characters = Array.from(line.slice(0, LONGEST_WORDS * 2));
  return characters.length > LONGEST_WORDS ? `${characters.slice(0, LONGEST_WORDS - 1).join('')}…` : characters.join('');
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = parse(text);
    return typeof message === 'string' ? message : undefined;
  } catch (error) {
    if (error instanceof NonsenseAnswer) return undefined;
    throw error;
  }
}

function parse(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new NonsenseAnswer(
      text.trim() === '' ? 'it is empty, and JSON is needed' : `it is not JSON but begins with "${beginningOf(text)}"`,
    );
  }
  return fieldsOf(value, 'it');
}

function beginningOf(text: string): string {
  return Array.from(toLine(text)).slice(0, 40).join('');
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NonsenseAnswer(`${what} is not an object`);
  return value as Fields;
}

function readText(fields: Fields, key: string, path: string): string {
  const value = fields[key] ?? '';
  if (typeof value !== 'string') throw new NonsenseAnswer(`${path} is not a text`);
  return value.toWellFormed();
}

function readParameters(documentation: Fields, key: 'config_params' | 'pipeline_subscription_params'): Parameters {
  const list = documentation[key] ?? [];
  const path = `documentation.${key}`;
  if (!Array.isArray(list)) throw new NonsenseAnswer(`${path} is not a list`);
  return list.map((entry: unknown, index) => {
    const at = `${path}[${index}]`;
    const fields = fieldsOf(entry, at);
    const required = fields['required'] ?? false;
    if (typeof required !== 'boolean') throw new NonsenseAnswer(`${at}.required is neither true nor false`);
    const name = readText(fields, 'key', `${at}.key`);
    if (name === '') throw new NonsenseAnswer(`${at}.key is missing`);
    return { key: name, required, documentation: readText(fields, 'documentation', `${at}.documentation`) };
  });
}
