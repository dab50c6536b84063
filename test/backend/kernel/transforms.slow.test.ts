import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasCard } from '../../support/gpu.ts';
import { type Answers, answers } from './forms/kernels.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
const main = join(here, 'forms/main.ts');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const exec = promisify(execFile);

// Inside the package, so that `ensample/engine` is found: its dist, as built before the tests.
let folder = '';
beforeAll(() => {
  expect(existsSync(join(root, 'dist/engine/backend/generated/translator.mjs')), 'npm run build').toBe(true);
  folder = mkdtempSync(join(root, 'test/.forms-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENVIRONMENT = { ...process.env, NODE_OPTIONS: '' };

async function run(command: string, ...args: string[]): Promise<Record<string, Answers>> {
  const options = { cwd: root, env: ENVIRONMENT };
  const { stdout } = await exec(command, [...args, hasCard ? 'card' : 'host'], options);
  const last = stdout.trim().split('\n').at(-1)!;
  return JSON.parse(last, (_, value) => (/^-?Infinity$/.test(value) ? Number(value) : value));
}

const WANTED: Readonly<Record<string, readonly number[]>> = {
  'a function expression': [-3.125, -4.53125, -2462.5],
  'a function declaration': [-6.71875, -3.90625, 0],
  'an arrow function': [1, 3.25, 7],
  'a method': [1, 2, 7],
  'functions of another file': [Math.exp(-2.25) + 4, Math.exp(-9) + 0.0625, 25],
  'two outputs on two paths': [-1, 1, 1, 0.25, 2, 3],
  'each output by its number': [1.5, -4, 4.5, -8, 7.5, -3, 0.5, -9, 1, -15, 70, 10, 210, 20, 350],
};

/** What every tool must leave working, and what must be refused after every tool. */
function check(found: Record<string, Answers>): void {
  for (const [name, wanted] of Object.entries(WANTED)) {
    const { host, module, card, refused } = found[name]!;
    expect(refused, name).toBeUndefined();
    for (const [place, values] of Object.entries({ host, module, card })) {
      if (values === undefined || values === null) continue;
      expect(values.length, `${name} (${place})`).toBe(wanted.length);
      values.forEach((value, i) => {
        expect(Math.abs(value - wanted[i]!), `${name} (${place})`).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(wanted[i]!)),
        );
      });
    }
    expect(card != null, `${name} (card)`).toBe(hasCard);
  }
  for (const name of ['a function inside', 'a declared function inside']) {
    expect(found[name]!.refused, name).toMatch(
      /a function inside the function cannot run on the card; expected the function in option `functions`/,
    );
  }
  expect(found['a number from outside']!.refused).toMatch(
    /`[\w$.(), ]+` comes from outside the function|cannot be called/,
  );
}

async function bundled(name: string, options: { minify?: boolean; keepNames?: boolean }): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [main],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'node20',
    external: ['ensample/engine'],
    ...options,
  });
  return outfile;
}

test('gpuKernel(): functions survive vitest', async () => {
  const found = await answers(hasCard);
  check(found);
  expect(found['an arrow function in functions']!.host).toEqual([1, 2, 1]);
});

test('gpuKernel(): functions survive tsc', async () => {
  const options = ['--module', 'NodeNext', '--target', 'ES2022', '--skipLibCheck', '--types', 'node'];
  const out = join(folder, 'tsc');
  const strict = ['--strict', '--rewriteRelativeImportExtensions', '--rootDir', join(here, 'forms')];
  await exec(bin('tsc'), [...options, ...strict, '--ignoreConfig', '--outDir', out, main], { cwd: root });
  const found = await run(process.execPath, join(out, 'main.js'));
  check(found);
  expect(found['an arrow function in functions']!.host).toEqual([1, 2, 1]);
});

test('gpuKernel(): functions survive tsx, which keeps names', async () => {
  const found = await run(bin('tsx'), main);
  check(found);
  expect(found['an arrow function in functions']!.host).toEqual([1, 2, 1]);
});

test('gpuKernel(): functions survive a bundle, minified or not', async () => {
  for (const minify of [false, true]) {
    const found = await run(process.execPath, await bundled(`minify-${minify}`, { minify }));
    check(found);
    expect(found['an arrow function in functions']!.host).toEqual([1, 2, 1]);
  }
});

test('gpuKernel(): functions survive a minified bundle that keeps names, but for arrow functions they call', async () => {
  const found = await run(process.execPath, await bundled('names', { minify: true, keepNames: true }));
  check(found);
  const refused = found['an arrow function in functions']!.refused;
  expect(refused).toMatch(/comes from outside.*option `functions` \(positive\)/);
});
