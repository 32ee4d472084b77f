/** The extensions that this distribution brings. */
export const BUILT_IN_NAMES = ['cron', 'github', 'interval', 'pipeline', 'webhook'] as const;
export type BuiltInName = (typeof BUILT_IN_NAMES)[number];

/** The subcommand by which the server's own executable is one of these extensions; the help does not have it. */
export const RUN_BUILT_IN = ['extension', 'run-builtin'] as const;
