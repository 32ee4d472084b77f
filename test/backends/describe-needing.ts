import { describe, expect, it } from 'vitest';

/**
 * `describe` for tests that need something of the machine. `missing`: why it is not there. Then they are skipped, the reason in their
 * title, and under `CI=true` one test fails with it.
 */
export function describeNeeding(what: string, name: string, missing: string | undefined, body: () => void): void {
  if (missing === undefined) {
    describe(`${name} (on ${what})`, () => {
      body();
    });
  } else if (process.env['CI'] === 'true') {
    describe(`${name} (on ${what})`, () => {
      it('finds on this machine what it needs', () => {
        expect(missing).toBeUndefined();
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${missing})`, () => {
      body();
    });
  }
}
