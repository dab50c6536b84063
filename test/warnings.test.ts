import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

function codes(): Set<string> {
  const found = new Set<string>();
  for (const folder of ['engine', 'estimators', 'cli']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.includes('assembly')) continue;
      const text = readFileSync(join(root, folder, name), 'utf8');
      for (const match of text.matchAll(/code: '([a-z0-9-]+)'/g)) found.add(match[1]!);
    }
  }
  return found;
}

test('docs/warnings.md has one heading for every warning code, and no other', () => {
  const text = readFileSync(join(root, 'docs/warnings.md'), 'utf8');
  const headings = [...text.matchAll(/^### (.+)$/gm)].map((match) => match[1]!);
  expect(headings.sort()).toEqual([...codes()].sort());
});
