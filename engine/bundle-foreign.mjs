/**
 * Bundles foreign code into a folder `generated/`, in parts that are loaded only when they are needed, so that whoever
 * installs this package gets the few files it uses of others and not their whole trees. Does nothing when nothing has changed
 * since the last time. With `--copy` after the folder's name, puts what is there next to the compiled modules.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path) => readFileSync(path, 'utf8');
const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;

/**
 * @param folder where `vendor/` with its parts (NAME.mjs and NAME.d.mts) lies, and `generated/` is to be: 'engine/backend'
 * @param parts names of the entries
 * @param options for esbuild, beside those that are the same for all
 */
export async function bundleForeign({ folder, parts, options }) {
  const here = `${root}${folder}/vendor/`;
  const generated = `${root}${folder}/generated/`;
  const own = readdirSync(here)
    .sort()
    .map((name) => read(`${here}${name}`));
  const hash = createHash('sha256')
    .update([...own, read(fileURLToPath(import.meta.url)), read(`${root}package-lock.json`)].join('\0'))
    .digest('hex');
  if (existsSync(`${generated}hash`) && read(`${generated}hash`) === hash) return;
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: parts.map((name) => `${here}${name}.mjs`),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    outdir: generated,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    legalComments: 'none',
    banner: { js: '/*! Contains code of others: see NOTICES.txt */' },
    metafile: true,
    write: false,
    absWorkingDir: root,
    ...options,
  });
  mkdirSync(generated, { recursive: true });
  const names = outputFiles.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  const old = readdirSync(generated);
  for (const [i, { text }] of outputFiles.entries()) write(generated, names[i], text);
  for (const name of parts) copyFileSync(`${here}${name}.d.mts`, `${generated}${name}.d.mts`);
  write(generated, 'NOTICES.txt', notices(used(metafile)));
  write(generated, 'hash', hash);
  for (const name of old.filter((entry) => /^shared-.*\.mjs$/.test(entry) && !names.includes(entry)))
    rmSync(`${generated}${name}`, { force: true });
  for (const [i, { contents }] of outputFiles.entries()) console.log(`${names[i]}: ${contents.length} bytes`);
}

/** The files of which something is left in what was written. */
function used({ outputs }) {
  const kept = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return kept.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}

/** The notices of the packages that `inputs` come from, as their licences ask. */
function notices(inputs) {
  const packages = new Map(inputs.flatMap((path) => [PACKAGE.exec(path)?.slice(1, 3) ?? []]));
  packages.delete(undefined);
  const parts = [...packages].sort().map(([path, name]) => {
    const { version, license } = JSON.parse(read(`${root}${path}/package.json`));
    const file = readdirSync(`${root}${path}`).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version}\n\n${file === undefined ? `${license} License` : read(`${root}${path}/${file}`).trim()}\n`;
  });
  return `The modules in this folder contain parts of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** Written beside and renamed, so that a reader or a second build never sees half a file. */
function write(generated, name, text) {
  const partial = `${generated}${name}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, `${generated}${name}`);
}

for (const folder of process.argv.includes('--copy') ? process.argv.slice(3) : []) {
  const to = `${root}dist/${folder}/generated/`;
  rmSync(to, { recursive: true, force: true });
  cpSync(`${root}${folder}/generated/`, to, { recursive: true, filter: (path) => !path.endsWith('/hash') });
}
