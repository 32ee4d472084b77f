import { describe, expect, it } from 'vitest';
import { EngineError } from './engine-error.ts';
import { withoutEnvironment } from './environment-mask.ts';

describe('a refusal of the engine', () => {
  const masked = (message: string, env: Record<string, string>): unknown => withoutEnvironment(new EngineError(400, message), { env });

  it('repeats no variable', () => {
    expect(masked('invalid environment variable: =s3cr3t', { '': 's3cr3t' })).toMatchObject({
      status: 400,
      message: 'invalid environment variable: =***',
    });
    expect(masked('bad: TOKEN=two\nlines, "two\\nlines"', { TOKEN: 'two\nlines' })).toMatchObject({ message: 'bad: TOKEN=***, "***"' });
  });

  it('keeps the words that a short value happens to stand in', () => {
    expect(masked('exec: "nope": A=no', { A: 'no' })).toMatchObject({ message: 'exec: "nope": A=***' });
  });

  it('hides a value whole that another one is a part of', () => {
    expect(masked('was longer-secret-value', { A: 'secret-value', B: 'longer-secret-value' })).toMatchObject({ message: 'was ***' });
  });

  it('is itself where it repeats nothing, as is every other error', () => {
    const refusal = new EngineError(404, 'no such image');
    const other = new Error('TOKEN=abcdefgh');
    expect(withoutEnvironment(refusal, { env: { TOKEN: 'abcdefgh', EMPTY: '' } })).toBe(refusal);
    expect(withoutEnvironment(other, { env: { TOKEN: 'abcdefgh' } })).toBe(other);
  });
});
