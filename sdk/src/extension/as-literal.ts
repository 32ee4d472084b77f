const REFERENCE = /^(\s*(?:pipeline_secret|global_secret|pipeline_object|run_object|unknown))(\{\{[^]*\}\}\s*)$/i;

/**
 * Text from outside, as a variable that means itself. Without it, whoever may name a branch or fill in a form could have a run look up
 * secrets and objects: `pipeline_object{{key}}` is given as `pipeline_object {{key}}`, which is no reference. What no environment can
 * carry (NUL characters, lone surrogates) is dropped or replaced.
 */
export function asLiteral(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().replace(REFERENCE, '$1 $2');
}
