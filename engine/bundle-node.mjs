/**
 * After the build: what Node runs, in few files. A process that loads the hundreds of modules of this package one by one
 * takes twice as long to start. `dist/cli/main.js` is the command; `dist/node` holds the entries of the package, which
 * share the rest. Bundlers for browsers go on taking the modules one by one, and leave out what they do not need.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = `${root}dist/`;

const ENTRIES = {
  'cli/main': 'cli/main.ts',
  'node/index': 'estimators/index.ts',
  'node/engine': 'engine/index.ts',
  'node/cluster': 'estimators/cluster.ts',
  'node/thread': 'engine/cluster/thread.mjs',
};

/** Bodies of threads, and files found beside the module that asks for them: where these are when it is in `dist/node`. */
const MOVED = [
  ['engine/pool/pool.ts', "'./worker.mjs'", "'../engine/pool/worker.mjs'"],
  ['engine/model/onnx-threads.ts', "'./onnx-worker.mjs'", "'../engine/model/onnx-worker.mjs'"],
  ['engine/cluster/threads.ts', "'./thread.mjs'", "'./thread.js'"],
  ['engine/pool/load-module.mjs', "'../../node/", "'./"],
  ['engine/pool/load-module.mjs', 'bundled = false', 'bundled = true'],
  ['estimators/cluster.ts', 'import.meta.url', "new URL('./cluster.js', import.meta.url).href"],
];

const places = {
  name: 'places',
  setup({ onLoad, onResolve }) {
    // Large tables, kernels and code of others stay where they are.
    onResolve({ filter: /\/(generated\/.*|tables\/joe-kuo\.ts)$/ }, ({ path, importer }) => {
      const file = fileURLToPath(new URL(path, `file://${importer}`)).slice(root.length);
      return { path: `../${file.replace(/\.ts$/, '.js')}`, external: true };
    });
    for (const file of new Set(MOVED.map(([name]) => name)))
      onLoad({ filter: new RegExp(`/${file.replace('.', '\\.')}$`) }, ({ path }) => {
        let text = readFileSync(path, 'utf8');
        for (const [, from, to] of MOVED.filter(([name]) => name === file)) {
          if (!text.includes(from)) throw new Error(`${file} no longer says ${from}`);
          text = text.replaceAll(from, to);
        }
        return { contents: text, loader: file.endsWith('.ts') ? 'ts' : 'js' };
      });
  },
};

const { outputFiles } = await build({
  entryPoints: Object.entries(ENTRIES).map(([out, file]) => ({ in: `${root}${file}`, out })),
  ...{
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
  },
  // Names stay: errors are called by them, in traces too.
  ...{ minifyWhitespace: true, charset: 'utf8', legalComments: 'none' },
  ...{
    outdir: dist,
    chunkNames: 'node/[name]-[hash]',
    write: false,
    logLevel: 'warning',
    absWorkingDir: root,
  },
  plugins: [places],
});
mkdirSync(`${dist}node`, { recursive: true });
// Entries come last and what they no longer need goes after them: whoever starts in between finds all parts.
const isEntry = ({ path }) => path.slice(dist.length).replace(/\.js$/, '') in ENTRIES;
for (const { path, contents } of outputFiles.sort((a, b) => isEntry(a) - isEntry(b))) {
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}
// `npx ensample` in a checkout runs this file as it lies there.
chmodSync(`${dist}cli/main.js`, 0o755);
const written = new Set(outputFiles.map(({ path }) => path));
for (const folder of ['node', 'cli'])
  for (const name of readdirSync(`${dist}${folder}`, { recursive: true })) {
    const path = join(dist, folder, name);
    if (/\.js$/.test(name) && !written.has(path)) rmSync(path);
  }
