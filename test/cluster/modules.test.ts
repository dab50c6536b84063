import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { hashModule, moduleRef, openModules } from '../../engine/cluster/modules.ts';
import { InputError, OptionError } from '../../engine/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'ensample-modules-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

mkdirSync(at('data'));
writeFileSync(
  at('flood.ts'),
  "import { law } from './law.js';\nconst table = new URL('./data/t.csv', import.meta.url);\n",
);
writeFileSync(at('law.ts'), "import '../elsewhere.ts';\nexport const law = 1;\n");
writeFileSync(at('data/t.csv'), '1,2\n');
writeFileSync(at('ensample.models.json'), '{ "flood": "flood.ts", "law": "law.ts" }');

test('hashModule(): changes with every file that the module names, and with no other', () => {
  const before = hashModule(at('flood.ts'));
  writeFileSync(at('report.html'), '<p>');
  expect(hashModule(at('flood.ts'))).toBe(before);
  for (const name of ['law.ts', 'data/t.csv', 'flood.ts']) {
    const text = name === 'data/t.csv' ? '1,3\n' : `import './law.js'; import './data/t.csv'; // ${name}\n`;
    const old = hashModule(at('flood.ts'));
    writeFileSync(at(name), text);
    expect(hashModule(at('flood.ts'))).not.toBe(old);
  }
});

test('hashModule(): a lockfile above counts where packages are imported, and nowhere else', () => {
  mkdirSync(at('project/models'), { recursive: true });
  const hashes = (text: string): boolean => {
    writeFileSync(at('project/models/own.mjs'), text);
    const before = hashModule(at('project/models/own.mjs'));
    writeFileSync(at('project/package-lock.json'), '{}');
    const after = hashModule(at('project/models/own.mjs'));
    rmSync(at('project/package-lock.json'));
    return before === after;
  };
  for (const text of [
    "import { uniform } from 'ensample';",
    "import fs from 'node:fs'; import 'path'; import '/abs.js';",
    "import { files } from 'ensample/cluster'; import './law.js';",
  ])
    expect(hashes(text)).toBe(true);
  for (const text of ["import { add } from 'mathjs';", "await import('@a/b');", 'require("ensample-x")'])
    expect(hashes(text)).toBe(false);
});

test('openModules(): only what the registry lists, only under its hash, only from its own folder', () => {
  const registry = openModules(folder);
  const [flood] = registry.refs();
  expect(registry.url(flood!)).toBe(pathToFileURL(at('flood.ts')).href);
  expect(() => registry.url({ ...flood!, hash: 'f'.repeat(64) })).toThrow(
    /has hash ffffffffffff in the plan/,
  );
  expect(() => registry.url({ ...flood!, name: 'floods' })).toThrow('Did you mean flood?');
  for (const name of ['__proto__', 'constructor', '../flood'])
    expect(() => registry.url({ ...flood!, name })).toThrow(OptionError);
  for (const exportName of ['constructor', '__proto__', 'toString'])
    expect(() => registry.url({ ...flood!, exportName })).toThrow(`asks for export "${exportName}"`);
  expect(registry.url({ ...flood!, exportName: 'law' })).toBe(registry.url(flood!));
  for (const bad of [
    '[]',
    '{',
    '{ "a": "../b.ts" }',
    '{ "a": "/etc/passwd" }',
    '{ "a/b": "flood.ts" }',
    '{ "a": 1 }',
  ]) {
    writeFileSync(at('data/ensample.models.json'), bad);
    expect(() => openModules(at('data'))).toThrow(InputError);
  }
  expect(() => openModules(at('nowhere'))).toThrow(InputError);
});

test('moduleRef(): as the registry beside the module says, else its base name', () => {
  const ref = (name: string, exportName = 'default'): unknown =>
    moduleRef(pathToFileURL(at(name)).href, exportName);
  expect(ref('flood.ts')).toEqual({ name: 'flood', hash: hashModule(at('flood.ts')) });
  expect(ref('law.ts', 'law')).toMatchObject({ name: 'law', exportName: 'law' });
  writeFileSync(at('other.mjs'), '');
  expect(() => ref('other.mjs')).toThrow(OptionError);
  writeFileSync(at('data/own.mjs'), '');
  rmSync(at('data/ensample.models.json'));
  expect(ref('data/own.mjs')).toMatchObject({ name: 'own' });
  expect(() => moduleRef('https://example.org/a.js', 'default')).toThrow('expected a file');
});
