/**
 * How large a pipeline may be. Generous: they bound memory and messages, they do not teach style. Sizes of strings that become a
 * process's arguments or environment are those of Linux, where one string has at most 128 KiB (MAX_ARG_STRLEN).
 */
export const PIPELINE_LIMITS = {
  tasks: 100_000,
  /** Of all tasks together. */
  dependencies: 1_000_000,
  nameCharacters: 512,
  descriptionCharacters: 16_384,
  /** Of one task. */
  variables: 1_000,
  variableKeyCharacters: 256,
  /** UTF-16 units of one key and its value. */
  variableCharacters: 131_071,
  /** UTF-16 units of all keys and values of one task. */
  variablesTotalCharacters: 1_048_576,
  /** Entrypoint and command each. */
  arguments: 4_096,
  argumentCharacters: 131_071,
  registryAuthCharacters: 16_384,
  subscriptions: 1_000,
  /** Of one subscription. */
  settings: 200,
  /** UTF-16 units of one setting's value. */
  settingCharacters: 131_071,
  /** Of every time limit and wait: 365 days. */
  durationSeconds: 31_536_000,
  /** Further attempts of one task. */
  retries: 100,
  retryBackoffFactor: 100,
  /** Faults that are listed; the last one says how many more there are. */
  faults: 1_000,
} as const;
