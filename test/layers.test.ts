import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

// Architecture section 2: a file imports from its own folder or from a lower level.
const LEVEL: Readonly<Record<string, number>> = {
  '.': 0,
  math: 1,
  array: 2,
  wasm: 3,
  random: 4,
  pool: 5,
  backend: 6,
  distribution: 7,
  model: 8,
  // Shards, plans and their merge need models, generators and arrays and nothing of particles; methods above describe
  // their shards with its types, and `run` hands them over.
  cluster: 9,
  particles: 10,
  diagnostics: 11,
  kernel: 12,
  diffusion: 13,
};
const TOP: ReadonlySet<string> = new Set(['sampler.ts', 'sharded.ts', 'run.ts']);
/** What packages and commands may import: the two index files, and the works of all families for workers. */
const ENTRIES: ReadonlySet<string> = new Set([
  'engine/index.ts',
  'estimators/index.ts',
  'estimators/cluster.ts',
]);
const ONLY_IMPORTER: Readonly<Record<string, string>> = {
  ndarray: 'engine/array/view.ts',
  'ml-matrix': 'engine/math/linear-algebra.ts',
  workerpool: 'engine/pool/pool.ts',
  'gpu.js': 'engine/backend/user-kernel.ts',
  bullmq: 'engine/cluster/bullmq/load.ts',
  ioredis: 'engine/cluster/bullmq/load.ts',
  aws4fetch: 'engine/cluster/s3.ts',
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('assembly') && !name.includes('generated'))
    .map((name) => join(folder, name));
}

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: string[] = [];
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) found.push(match[1]!);
  return found;
}

function level(file: string): number {
  const parts = relative('engine', file).split('/');
  if (parts.length === 1) return parts[0] === 'index.ts' ? 99 : TOP.has(parts[0]!) ? 14 : 0;
  return LEVEL[parts[0]!] ?? Number.NaN;
}

const engine = sources('engine');
const estimators = sources('estimators');

test('layers: an engine file imports only from its own folder or a lower level, never from estimators', () => {
  const wrong: string[] = [];
  for (const file of engine) {
    expect(level(file), `${file} is in a folder the architecture does not know`).not.toBeNaN();
    for (const name of imports(file).filter((path) => path.startsWith('.'))) {
      const target = join(dirname(file), name);
      const same = dirname(target) === dirname(file) || target.split('/')[1] === file.split('/')[1];
      if (!target.startsWith('engine/') || (!same && level(target) >= level(file)))
        wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('layers: one family of estimators never imports another', () => {
  const wrong: string[] = [];
  for (const file of estimators) {
    if (ENTRIES.has(file)) continue;
    for (const name of imports(file).filter((path) => path.startsWith('.'))) {
      const target = join(dirname(file), name);
      if (target.startsWith('estimators/') && target.split('/')[1] !== file.split('/')[1])
        wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('layers: the command line, examples and benchmarks import only the public entry points', () => {
  const wrong: string[] = [];
  for (const folder of ['cli', 'examples', 'bench']) {
    for (const file of sources(folder)) {
      for (const name of imports(file).filter((path) => path.startsWith('.'))) {
        const target = join(dirname(file), name);
        if (!target.startsWith(`${folder}/`) && !ENTRIES.has(target)) wrong.push(`${file} -> ${target}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('layers: no import cycles', () => {
  const files = [...engine, ...estimators, ...sources('cli')];
  const graph = new Map(
    files.map((file) => [
      file,
      imports(file)
        .filter((p) => p.startsWith('.'))
        .map((p) => join(dirname(file), p)),
    ]),
  );
  const state = new Map<string, 'open' | 'closed'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'closed') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, 'closed');
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('layers: each third-party edge has one importer, and the only index files are the two entry points', () => {
  for (const file of [...engine, ...estimators]) {
    for (const name of imports(file)) {
      const owner = ONLY_IMPORTER[name];
      if (owner !== undefined) expect(`${name} in ${file}`).toBe(`${name} in ${owner}`);
    }
  }
  const index = [...engine, ...estimators, ...sources('cli')].filter((file) => file.endsWith('/index.ts'));
  expect(index.sort()).toEqual(['engine/index.ts', 'estimators/index.ts']);
});

test('layers: no file is longer than 400 lines (tables of constants excepted), and Math.random appears nowhere', () => {
  for (const file of [...engine, ...estimators, ...sources('cli')]) {
    const text = readFileSync(join(root, file), 'utf8');
    const lines = text.split('\n').length;
    if (!file.includes('/tables/')) expect(lines, file).toBeLessThanOrEqual(400);
    expect(text.includes('Math.random('), `${file} calls Math.random`).toBe(false);
  }
});
