// Compiles the AssemblyScript kernels twice (memory of its own, shared memory) and writes each module as a
// base64 string into generated/. Does nothing when the sources have not changed since the last time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const generated = `${here}generated/`;

const COMMON = [
  'index.ts',
  '--outFile',
  'kernels.wasm',
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime',
  'stub',
  '--importMemory',
  '--noExportMemory',
  '--initialMemory',
  '1',
  '--enable',
  'simd',
  '--use',
  'abort=',
];
const BUILDS = [
  { name: 'kernels', flags: [] },
  { name: 'kernels-shared', flags: ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'] },
];

const sources = new Map();
for (const name of readdirSync(`${here}assembly`).sort()) {
  if (name.endsWith('.ts')) sources.set(name, readFileSync(`${here}assembly/${name}`, 'utf8'));
}

function sourceHash() {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const [name, text] of sources) hash.update(`\0${name}\0${text}`);
  return hash.digest('hex');
}

function upToDate(file, hash) {
  return existsSync(file) && readFileSync(file, 'utf8').startsWith(`// ${hash}\n`);
}

async function compile(asc, flags) {
  let binary;
  const { error, stderr } = await asc.main([...COMMON, ...flags], {
    readFile: (name) => sources.get(name) ?? null,
    writeFile: (_name, contents) => {
      binary = contents;
    },
    listFiles: () => [],
  });
  if (error || binary === undefined) {
    console.error(stderr.toString());
    throw error ?? new Error('asc wrote no module');
  }
  return binary;
}

/** Written beside and renamed, so that a reader or a second build never sees half a file. */
function write(file, hash, binary) {
  const text = `// ${hash}\nexport const bytes: string =\n  '${Buffer.from(binary).toString('base64')}';\n`;
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, file);
}

const hash = sourceHash();
const stale = BUILDS.filter(({ name }) => !upToDate(`${generated}${name}.ts`, hash));
if (stale.length > 0) {
  mkdirSync(generated, { recursive: true });
  const { default: asc } = await import('assemblyscript/asc');
  for (const { name, flags } of stale) {
    const binary = await compile(asc, flags);
    write(`${generated}${name}.ts`, hash, binary);
    console.log(`${name}: ${binary.length} bytes`);
  }
}
