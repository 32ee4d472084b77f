import { secretStoreSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { sqliteHarness } from './store-harness.ts';

secretStoreSuite({ describe, it, before: beforeAll, after: afterAll }, sqliteHarness('sqlite'));
