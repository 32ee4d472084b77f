/** The extensions that come with this distribution: the composition root says which there are, and how each is run. */

export interface BuiltInCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** What the program is given beside the extension's own environment, which comes before it. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface BuiltInExtensions {
  readonly names: readonly string[];
  /** Undefined for a name that is not among `names`. */
  command(name: string): BuiltInCommand | undefined;
}

export const BUILT_IN_PREFIX = 'builtin:';

/** Whether it comes with the server, and runs as its child. */
export function isBuiltIn(image: string): boolean {
  return image.startsWith(BUILT_IN_PREFIX);
}

/** The NAME of an image that is written `builtin:NAME`; undefined for any other. */
export function builtInName(image: string): string | undefined {
  return isBuiltIn(image) ? image.slice(BUILT_IN_PREFIX.length) : undefined;
}
