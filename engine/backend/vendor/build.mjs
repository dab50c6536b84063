// Bundles the foreign code behind user kernels into generated/, in parts that are loaded only when they are needed:
// the parser (acorn), the translator into WGSL, and the whole of gpu.js for its backends on the processor.
// Does nothing when nothing has changed since the last time.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const generated = fileURLToPath(new URL('../generated/', import.meta.url));
const require = createRequire(import.meta.url);
const packageOf = (name) => require.resolve(`${name}/package.json`).replace(/package\.json$/, '');
const PARTS = ['parser', 'translator', 'gpu-js'];
const FOREIGN = ['acorn', 'gpu.js', 'gpu-mock.js'];

const read = (path) => readFileSync(path, 'utf8');
const mine = readdirSync(here).sort();
const versions = FOREIGN.map((name) => read(`${packageOf(name)}package.json`));
const hash = createHash('sha256')
  .update([...mine.map((name) => read(`${here}${name}`)), ...versions].join('\0'))
  .digest('hex');

/** The notices of the packages inside, as their licences ask. */
function notices() {
  const parts = FOREIGN.map((name) => {
    const folder = packageOf(name);
    const { version } = JSON.parse(read(`${folder}package.json`));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version}\n\n${file === undefined ? 'MIT License' : read(`${folder}${file}`).trim()}\n`;
  });
  return `The modules in this folder contain parts of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** Written beside and renamed, so that a reader or a second build never sees half a file. */
function write(name, text) {
  const partial = `${generated}${name}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, `${generated}${name}`);
}

if (!existsSync(`${generated}hash`) || read(`${generated}hash`) !== hash) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: PARTS.map((name) => `${here}${name}.mjs`),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['main'],
    // One copy of the parser for all parts; the optional native WebGL is never there.
    alias: { acorn: `${packageOf('acorn')}dist/acorn.mjs` },
    external: ['gl', 'os', 'worker_threads'],
    outdir: generated,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    legalComments: 'none',
    banner: { js: '/*! Contains gpu.js and acorn, MIT License: see NOTICES.txt */' },
    write: false,
  });
  mkdirSync(generated, { recursive: true });
  const old = readdirSync(generated);
  const names = outputFiles.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  for (const [i, { text }] of outputFiles.entries()) write(names[i], text);
  for (const name of PARTS) copyFileSync(`${here}${name}.d.mts`, `${generated}${name}.d.mts`);
  write('NOTICES.txt', notices());
  write('hash', hash);
  for (const name of old.filter((entry) => /^shared-.*\.mjs$/.test(entry) && !names.includes(entry)))
    rmSync(`${generated}${name}`, { force: true });
  for (const { path, contents } of outputFiles)
    console.log(`${path.slice(path.lastIndexOf('/') + 1)}: ${contents.length} bytes`);
}
