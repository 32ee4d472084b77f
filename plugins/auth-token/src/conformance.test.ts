import { authSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { tokenHarness } from './token-harness.ts';

authSuite({ describe, it, before: beforeAll, after: afterAll }, tokenHarness('token'));
