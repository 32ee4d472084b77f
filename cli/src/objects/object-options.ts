import { Option } from 'clipanion';

export const PUT_DETAILS = `A value is put as its UTF-8 bytes, without a newline. @ takes all of standard input, byte for byte. What is there is replaced only with --force, and only once all of the new object has arrived.`;

export const GET_DETAILS = `Into a file or a pipe the object goes byte for byte. On a terminal text is shown without its control sequences, and what is not text is not shown at all. With --output a file appears once it is whole; one that is there is replaced only with --force.

JSON has the shape {"key", "size", "text"}, or "base64" in place of "text" where the object is not UTF-8; for objects up to 1 MiB.`;

export const stringifyOption = () =>
  Option.Boolean('-s,--stringify', false, { description: 'As text that ends with a newline; for UTF-8 up to 1 MiB' });
export const outputOption = () => Option.String('-o,--output', { description: 'Write it to this file' });
export const replaceFileOption = () =>
  Option.Boolean('-f,--force', false, { description: 'Replace the file of --output where there is one' });
export const forceOption = () => Option.Boolean('-f,--force', false, { description: 'Replace the object where there is one' });

export const CHOICE_DETAILS =
  'Without RUN it is the run that the command is called in (GOFER_RUN_ID), if that is one of the same pipeline, else the newest one. A first word of digits only is the run.';
