import type { ErrorCode } from '@gofer/contracts';

/** What docs/errors.md says of each code: what has happened, and what its reader does about it. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, { readonly meaning: string; readonly remedy: string }>> = {
  INVALID_ARGUMENT: {
    meaning: 'Something that was sent, or a file that was named, is malformed.',
    remedy: 'Correct what `details` lists: each entry has the path of the fault and what is wrong there.',
  },
  UNSUPPORTED_VERSION: {
    meaning: 'The header `gofer-api-version` is missing or names a version that this server does not speak.',
    remedy: 'Send `gofer-api-version: v0`.',
  },
  UNSUPPORTED: {
    meaning: 'The back end in use lacks what was asked for.',
    remedy: 'Choose another scheduler, or do without; [schedulers.md](schedulers.md) says what each can do.',
  },
  UNAUTHENTICATED: {
    meaning: 'Credentials are missing or not accepted.',
    remedy: 'Send a token that counts: `gofer login`, `GOFER_TOKEN`, or the header `Authorization: Bearer TOKEN`.',
  },
  PERMISSION_DENIED: {
    meaning: 'The credentials are good, but they do not permit this.',
    remedy: 'The message names the permission. Ask for a role that has it; `gofer role list` shows what there is.',
  },
  FORBIDDEN: {
    meaning: 'The request names a host or comes from a web origin that is not let in.',
    remedy: 'Use a loopback name, or name the origin in `server.cors_origins`; see [security.md](security.md).',
  },
  NOT_FOUND: { meaning: 'There is nothing by that name.', remedy: 'Check the name and the namespace.' },
  METHOD_NOT_ALLOWED: { meaning: 'The path exists, but does not take this method.', remedy: 'Use one that the header `allow` names.' },
  ALREADY_EXISTS: { meaning: 'The name is taken.', remedy: 'Choose another name, or change what is there.' },
  FAILED_PRECONDITION: {
    meaning: 'What was named exists, but is not in a state that allows this.',
    remedy: 'Do first what the message says, such as deploying a version.',
  },
  GONE: {
    meaning: 'It existed and has expired or was removed, such as a log or the objects of an old run.',
    remedy: 'Nothing brings it back.',
  },
  PAYLOAD_TOO_LARGE: {
    meaning: 'The body is larger than `server.max_body_size`, or the object than `object_store.max_object_size`.',
    remedy: 'Send less, or raise the limit.',
  },
  RESOURCE_EXHAUSTED: { meaning: 'A limit on size, number or rate was reached.', remedy: 'Wait, or raise the limit.' },
  CANCELLED: { meaning: 'The caller gave up, or the server was stopping.', remedy: 'Ask again if it is still wanted.' },
  INTERNAL: {
    meaning: 'A bug. The caller is told the request id only.',
    remedy: "Look for that id in the server's log, and report what stands there.",
  },
  UNAVAILABLE: {
    meaning: 'Something is not reachable at present (the server, the Docker engine), or no runs are started (a disabled pipeline).',
    remedy: 'Do what the message says; the same call may succeed later.',
  },
  DEADLINE_EXCEEDED: { meaning: 'It took longer than it may.', remedy: 'Try again, or raise the timeout.' },
  IMAGE_NOT_FOUND: { meaning: 'The image does not exist where it was looked for.', remedy: 'Check its name and tag.' },
  IMAGE_PULL_FAILED: {
    meaning: 'The image could not be fetched: refused, unreachable or damaged.',
    remedy: "Check the registry's address and the credentials of the task.",
  },
  TASK_LOST: {
    meaning: 'A task was started once and its back end no longer knows it. It is not started a second time.',
    remedy: 'Find out what removed it, then start a new run.',
  },
  DATA_LOSS: {
    meaning: 'Something that was kept is damaged, or missing where it must be: a file was changed or removed from outside.',
    remedy: 'Restore it from a backup, or store it anew.',
  },
  STORAGE_FULL: {
    meaning: 'The disk that holds the logs, the objects, the secrets or the database is full.',
    remedy: 'Make room; see [operations.md](operations.md).',
  },
  CONFIG_INVALID: {
    meaning: 'The configuration cannot be used.',
    remedy: 'Correct every fault that is listed with its file and line, variable or flag.',
  },
  PLUGIN_INVALID: {
    meaning: 'A plugin cannot be found, is not what it should be, or did not start.',
    remedy: 'Correct what is listed; [plugins.md](plugins.md) explains each step of loading.',
  },
  LOCKED: {
    meaning: 'Another process owns what was to be opened, such as a server on the same database.',
    remedy: 'Stop it, or give this one a `server.storage_path` of its own.',
  },
  RUN_FAILED: {
    meaning: 'A run or task that a command waited for has failed. Never an answer of the API.',
    remedy: 'Read its log.',
  },
};
