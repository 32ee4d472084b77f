import { expect } from 'vitest';
import type { RawAnswer } from '../clients/raw-exchange.ts';

/** A refusal is an error of the API with a status of 4XX, told as JSON. */
export function assertRefusal({ status, headers, body }: RawAnswer): void {
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(headers['content-type']).toBe('application/json');
  const error = JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as Record<string, unknown>;
  expect(error).toMatchObject({ request_id: headers['x-request-id'], error_code: expect.any(String), message: expect.any(String) });
}
