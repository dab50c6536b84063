import { expect, test } from 'vitest';
import { cite, monteCarlo, named, sobolIndices, uniform } from '../estimators/index.ts';

const side = uniform(0, 1);
const options = { model: named(({ a, b }) => a! + b!), inputs: { a: side, b: side } };

test('cite(): every method names the papers behind it, one a line', () => {
  for (const method of [monteCarlo(options), sobolIndices(options)]) {
    const lines = cite(method).split('\n');
    expect(lines.length).toBe(method.sources.length);
    for (const line of lines) expect(line).toMatch(/^.+ \((19|20)\d\d\)\. .+\. .+\.$/);
  }
});
