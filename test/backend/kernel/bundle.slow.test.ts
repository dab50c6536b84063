import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, type BuildResult, build } from 'esbuild';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = mkdtempSync(join(tmpdir(), 'ensample-bundle-'));

/** Bundle a module of ours as an application does, one file for each part that is loaded later. */
function bundle(contents: string, options: BuildOptions = {}): Promise<BuildResult & { metafile: object }> {
  return build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    metafile: true,
    platform: 'node',
    external: ['webgpu', 'jiti'],
    ...options,
  }) as Promise<BuildResult & { metafile: object }>;
}

/** A part of the bundle with all that it imports at once. */
function atOnce(part: string, seen: Set<string> = new Set()): string {
  if (seen.has(part)) return '';
  seen.add(part);
  const text = readFileSync(join(folder, part), 'utf8');
  const imports = text.matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g);
  return text + Array.from(imports, ([, next]) => atOnce(next!, seen)).join('');
}

const KERNEL = `
import { bindKernel, gpuKernel, kernelCode } from './engine/index.ts';
const kernel = gpuKernel(function (x) { return Math.exp(-x[0]) * this.constants.a; }, { dims: 1, constants: { a: 2 } });
const { code } = await kernelCode(kernel);
console.log(kernel.evaluate(Float64Array.of(0)), code.includes('fn kernel(at: u32)'), typeof bindKernel);
`;

test('a bundle without gpuKernel has neither the parser nor gpu.js in it', async () => {
  await bundle(`import { hostBackend } from './engine/index.ts'; console.log(typeof hostBackend);`);
  const text = atOnce('stdin.mjs');
  expect(text).not.toMatch(/parseExpressionAt|WebGPUKernel|astConditionalExpression/);
});

test('a bundle with gpuKernel has the parser, and gpu.js in a part of its own; it needs no code from strings', async () => {
  await bundle(KERNEL);
  const text = atOnce('stdin.mjs');
  expect(text).not.toMatch(/astConditionalExpression|WebGPUKernel extends/);
  expect(text).toMatch(/import\("\.\/translator-\w+\.mjs"\)/);
  const strict = ['--disallow-code-generation-from-strings', join(folder, 'stdin.mjs')];
  const { stdout } = await promisify(execFile)(process.execPath, strict);
  expect(stdout).toBe('2 true function\n');
  rmSync(folder, { recursive: true });
});
