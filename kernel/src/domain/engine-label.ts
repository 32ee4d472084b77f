/** An engine's name as the value of a label: a package or path is none, its name's own characters are. */
export function engineLabel(engine: string): string {
  return engine.replace(/[^A-Za-z0-9._-]+/g, '-').slice(-63);
}
