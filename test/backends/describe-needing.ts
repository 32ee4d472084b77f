import { describe, it } from 'vitest';

/**
 * `describe` for tests that need something of the machine. `missing`: why it is not there. Then they are skipped, the reason in their
 * title, and under `CI=true` one test fails with it.
 */
export function describeNeeding(name: string, missing: string | undefined, body: () => void): void {
  if (missing === undefined) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('finds on this machine what it needs', () => {
        throw new Error(missing);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${missing})`, body);
  }
}
