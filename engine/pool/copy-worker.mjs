// Puts what the compiler leaves behind next to the compiled pool: the types of the plain modules, the modules
// themselves, and the worker body with its imports inlined, so that a bundler may move it as one file.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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
