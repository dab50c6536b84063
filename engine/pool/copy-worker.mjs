// Puts what the compiler leaves behind next to the compiled pool: the types of the plain modules, the modules
// themselves, and the worker body with its imports inlined, so that a bundler may move it as one file.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const from = fileURLToPath(new URL('./', import.meta.url));
const to = fileURLToPath(new URL('../../dist/engine/pool/', import.meta.url));

const MODULES = ['evaluate-rows', 'load-module', 'line'];

/** A module as part of a longer one: without its imports of neighbours and without the word export. */
function part(name) {
  const text = readFileSync(`${from}${name}.mjs`, 'utf8');
  return text.replace(/^import [^;]* from '\.\/[^']*';\n/gm, '').replace(/^export /gm, '');
}

for (const name of MODULES) {
  copyFileSync(`${from}${name}.mjs`, `${to}${name}.mjs`);
  copyFileSync(`${from}${name}.d.mts`, `${to}${name}.d.mts`);
}
writeFileSync(`${to}worker.mjs`, [...MODULES, 'worker'].map(part).join('\n'));

// The body of threads that compute shards takes the rest from the compiled entry it is told; that of sessions of networks needs
// nothing.
for (const name of ['cluster/thread.mjs', 'model/onnx-worker.mjs'])
  copyFileSync(
    fileURLToPath(new URL(`../${name}`, import.meta.url)),
    fileURLToPath(new URL(`../../dist/engine/${name}`, import.meta.url)),
  );

// What a model may import from this package, in one file, for threads that evaluate models: see load-module.mjs. Large tables,
// kernels and code of others stay where they are, and so do the bodies of threads.
const BODIES = [
  ['cluster/threads.ts', './thread.mjs', '../cluster/thread.mjs'],
  ['model/onnx-threads.ts', './onnx-worker.mjs', '../model/onnx-worker.mjs'],
];
const elsewhere = (path, importer) =>
  `../${new URL(path, `file://${importer}`).pathname.split('/engine/').at(-1).replace(/\.ts$/, '.js')}`;
await build({
  stdin: {
    contents:
      "export * as ensample from './estimators/index.ts'; export * as engine from './engine/index.ts';",
    resolveDir: fileURLToPath(new URL('../../', import.meta.url)),
  },
  ...{ bundle: true, minify: true, keepNames: true, format: 'esm', platform: 'node', target: 'es2022' },
  ...{ packages: 'external', outfile: `${to}whole.mjs`, logLevel: 'warning' },
  plugins: [
    {
      name: 'elsewhere',
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /\/(generated\/.*|tables\/joe-kuo\.ts)$/ }, ({ path, importer }) => ({
          ...{ path: elsewhere(path, importer), external: true },
        }));
        for (const [file, body, moved] of BODIES)
          onLoad({ filter: new RegExp(`/engine/${file.replace('.', '\\.')}$`) }, ({ path }) => ({
            ...{ contents: readFileSync(path, 'utf8').replace(body, moved), loader: 'ts' },
          }));
      },
    },
  ],
});
