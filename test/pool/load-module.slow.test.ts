import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { ModelError } from '../../engine/errors.ts';
import { toLocalModel } from '../../engine/pool/load-module.mjs';
import { loadModule } from '../../engine/pool/module.ts';

// A folder without node_modules and without package.json, as a scientist's folder is.
const folder = mkdtempSync(join(tmpdir(), 'ensample-models-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return pathToFileURL(join(folder, name)).href;
}

const ENTRIES = {
  ensample: () => import('../../estimators/index.ts'),
  engine: () => import('../../engine/index.ts'),
};
const LAWS = "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 2) };\n";

test('loadModule(): a TypeScript model in a bare folder imports laws and its neighbours', async () => {
  write('factor.ts', 'export const factor: number = 3;\n');
  const url = write(
    'model.ts',
    `${LAWS}import { factor } from './factor.ts';\nexport default ({ a }: { a: number }): number => factor * a;\n`,
  );
  const module = await loadModule(url);
  expect(Object.keys(module).sort()).toEqual(['default', 'inputs']);
  expect((module.default as (inputs: object) => number)({ a: 2 })).toBe(6);
  expect((module.inputs as { a: { name: string } }).a.name).toBe('uniform');
});

for (const extension of ['mjs', 'js']) {
  test(`loadModule(): a .${extension} model in a bare folder imports laws`, async () => {
    const url = write(`model.${extension}`, `${LAWS}export default ({ a }) => a + 1;\n`);
    const module = await loadModule(url);
    expect((module.default as (inputs: object) => number)({ a: 2 })).toBe(3);
    expect((module.inputs as { a: { name: string } }).a.name).toBe('uniform');
  });
}

test('loadModule(): a data: URL is a module', async () => {
  expect((await loadModule('data:text/javascript,export const answer = 42')).answer).toBe(42);
});

test('loadModule(): a module that is missing, broken or throws is a ModelError with file and reason', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      pathToFileURL(join(folder, 'absent.mjs')).href,
      /^absent.mjs: the module cannot be loaded \(.*absent.mjs/,
    ],
    [pathToFileURL(join(folder, 'absent.ts')).href, /^absent.ts: the module cannot be loaded \(.*absent.ts/],
    [
      write('broken.ts', 'export default (x => ;\n'),
      /^broken.ts, line 1: the module cannot be loaded \(SyntaxError: /,
    ],
    [
      write('throws.mjs', "throw new RangeError('no data');\n"),
      /^throws.mjs, line 1: .*\(RangeError: no data\)/,
    ],
    [
      write('law.mjs', "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(3, 1) };\n"),
      /^law.mjs, line 2: the module cannot be loaded \(uniform: `high` is 1; expected .* low = 3\); expected/,
    ],
    [
      write('typo.ts', "import { unifrom } from 'ensample';\nunifrom(0, 1);\n"),
      /unifrom\? Check its spelling/,
    ],
    [write('other.mjs', "import 'nowhere';\n"), /^other.mjs(, line 1)?: .*nowhere/],
  ];
  for (const [url, message] of cases) {
    await expect(loadModule(url)).rejects.toThrow(message);
    await expect(loadModule(url)).rejects.toThrow(ModelError);
  }
});

test('built: in a thread that only evaluates models they have every name of this package, from its bundle for Node', async () => {
  const built = new URL('../../dist/engine/pool/', import.meta.url);
  const { importModule, serveModelsAlone } = await import(new URL('load-module.mjs', built).href);
  expect(readFileSync(new URL('worker.mjs', built), 'utf8')).toMatch(/^serveModelsAlone\(\);$/m);
  serveModelsAlone();
  const url = write(
    'names.ts',
    "import * as ensample from 'ensample';\nimport * as engine from 'ensample/engine';\nexport { engine, ensample };\n",
  );
  const found = await importModule(url);
  const bundle = await import(new URL('../../node/index.js', built).href);
  expect(found.ensample.uniform).toBe(bundle.uniform);
  expect(found.engine.uniform).toBe(bundle.uniform);
  for (const name of ['ensample', 'engine'] as const)
    expect(Object.keys(found[name]).sort()).toEqual(Object.keys(await ENTRIES[name]()).sort());
  // Errors are told by their names.
  const { OptionError } = bundle;
  expect(() => bundle.uniform(3, 1)).toThrow(expect.objectContaining({ name: 'OptionError' }));
  expect(() => bundle.uniform(3, 1)).toThrow(OptionError);
});

test('built: every class of errors has its name in the bundle for Node, which tells it to people', async () => {
  for (const name of ['index', 'engine', 'cluster']) {
    const bundle = await import(new URL(`../../dist/node/${name}.js`, import.meta.url).href);
    const errors = Object.keys(bundle).filter((key) => bundle[key].prototype instanceof Error);
    if (name !== 'cluster') expect(errors.length).toBeGreaterThan(8);
    for (const key of errors) expect(bundle[key].name).toBe(key);
  }
});

test('toLocalModel(): one parameter is named inputs, two are a batch, tagged models are themselves', () => {
  expect(toLocalModel((x: unknown) => x)?.kind).toBe('named');
  expect(toLocalModel(() => 1)?.kind).toBe('named');
  expect(toLocalModel((_x: unknown, _out: unknown) => undefined)?.kind).toBe('batch');
  expect(toLocalModel({ kind: 'pointwise', evaluate: () => 1 })?.kind).toBe('pointwise');
  for (const value of [undefined, null, 3, {}, { kind: 'other', evaluate: () => 1 }, { kind: 'batch' }])
    expect(toLocalModel(value)).toBeUndefined();
});
