const LONGEST_TOKEN = 4_096;
const VISIBLE = /^[\x21-\x7e]+$/u;

export const TOKEN_RULE = `a token has 1 to ${LONGEST_TOKEN.toLocaleString('en')} visible characters of ASCII`;

/** What a token can be; which tokens there are, the server knows. */
export function isToken(text: string): boolean {
  return text.length <= LONGEST_TOKEN && VISIBLE.test(text);
}
