/**
 * After the build: takes comments, whose words are in the declarations too, and indents out of modules, and leaves only
 * declarations that those of the public entries lead to, and no modules that had nothing but types in them, which nothing
 * imports. The others are of no use to anybody who installs the package, and each small file takes a block of their disk.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from 'esbuild';

const ENTRIES = ['dist/estimators/index.d.ts', 'dist/engine/index.d.ts', 'dist/estimators/cluster.d.ts'];
const SHORT = { format: 'esm', target: 'es2022', charset: 'utf8', minifyWhitespace: true };
const SPECIFIER = /(?:from|import\()\s*['"](\.[^'"]+)['"]/g;

/** The declarations that `entries` lead to, themselves included, and those of them that are missing. */
function reach(entries) {
  const found = new Set();
  const missing = [];
  const open = entries.map((file) => resolve(file));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    if (!existsSync(file)) {
      missing.push(file);
      continue;
    }
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(SPECIFIER))
      open.push(resolve(dirname(file), specifier.replace(/\.(m?)[jt]s$/, '.d.$1ts')));
  }
  return { found, missing: missing.filter((file) => file.endsWith('.d.ts')) };
}

let reached = reach(ENTRIES);
if (reached.missing.length > 0) {
  // Pruned by an earlier build and needed now: the compiler believes that they are still there.
  rmSync('dist/.tsbuildinfo', { force: true });
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  reached = reach(ENTRIES);
}
// Those of the command are written anew, in few files.
const modules = readdirSync('dist', { recursive: true }).filter((file) => !/^(cli|node)\/.*\.js$/.test(file));
for (const file of modules) {
  const path = join('dist', file);
  const idle = path.endsWith('.d.ts')
    ? !reached.found.has(resolve(path))
    : path.endsWith('.js') && readFileSync(path, 'utf8').trim() === 'export {};';
  if (idle) rmSync(path);
  else if (path.endsWith('.js')) {
    const text = readFileSync(path, 'utf8');
    const { code } = transformSync(text, SHORT);
    if (code !== text) writeFileSync(path, code);
  }
}
