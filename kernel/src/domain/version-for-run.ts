/** A configuration version that runs are given to. */
export interface DeployedVersion {
  readonly version: number;
  /** Its part of the runs, relative to the others'; more than 0 to be given any. Alone, any value above 0 means all. */
  readonly share: number;
}

/**
 * Which version a new run gets. `draw` is a number in [0, 1), evenly drawn: it decides between several deployed versions. The same
 * deployments and the same draw give the same version, in whatever order they are listed. `undefined`: no version is deployed.
 */
export function versionForRun(deployed: readonly DeployedVersion[], draw: number): number | undefined {
  const candidates = deployed.filter(({ share }) => share > 0).sort((a, b) => a.version - b.version);
  let left = draw * candidates.reduce((sum, { share }) => sum + share, 0);
  for (const { version, share } of candidates) {
    if (left < share) return version;
    left -= share;
  }
  // Rounding can leave a draw just below 1 without a candidate.
  return candidates.at(-1)?.version;
}
