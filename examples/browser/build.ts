// Bundles the playground into dist/, prints what it weighs, and fails when that is too much for a page.
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
/** What goes along as it is: the page itself, and the notices that licences ask for. */
const COPIED = [
  `${here}index.html`,
  `${here}style.css`,
  `${root}engine/backend/generated/NOTICES.txt`,
  `${root}engine/random/tables/JOE-KUO-LICENSE.txt`,
];
const MOST_BYTES = 1_000_000;

/** What stands in the place of files that are left out. */
const EMPTY = [
  ['joe-kuo.ts', "export const packed = '';"],
  ['gpu-js.mjs', 'export const GPU = undefined;'],
] as const;

/**
 * What only Node has; the table of Sobol' coordinates beyond the 256th, as a page has at most 16; and gpu.js itself, whose
 * translator for graphics cards is a part of its own: its backends on the processor generate code.
 */
export const leaveOut: Plugin = {
  name: 'leave-out',
  setup(bundler) {
    const empty = (path: string): { path: string; namespace: string } => ({ path, namespace: 'empty' });
    bundler.onResolve({ filter: /^(os|worker_threads|child_process|url)$/ }, ({ path }) => empty(path));
    bundler.onResolve({ filter: /\/(joe-kuo\.ts|gpu-js\.mjs)$/ }, ({ path }) => empty(path));
    bundler.onLoad({ filter: /.*/, namespace: 'empty' }, ({ path }) => ({
      contents: EMPTY.find(([name]) => path.endsWith(name))?.[1] ?? 'module.exports = {};',
    }));
  },
};

async function bundle(to: string, from: string, name: string, sizes: Record<string, number>): Promise<void> {
  const extension = extname(name);
  const { metafile } = await build({
    entryPoints: { [name.slice(0, -extension.length)]: from },
    outdir: to,
    outExtension: { '.js': extension },
    bundle: true,
    // Only the page has parts that are loaded when they are needed: what translates formulas for a graphics card.
    splitting: name === 'playground.js',
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    chunkNames: 'part-[hash]',
    legalComments: 'linked',
    absWorkingDir: root,
    plugins: [leaveOut],
    logLevel: 'warning',
  });
  for (const [file, { bytes }] of Object.entries(metafile.outputs)) sizes[basename(file)] = bytes;
}

/** Builds into the folder `to` (with its final slash); answers the sizes in bytes by file name. */
export async function buildPage(to: string = `${here}dist/`): Promise<Readonly<Record<string, number>>> {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const sizes: Record<string, number> = {};
  // Beside the page: the body of the engine's workers, and the module through which workers get a formula. Each is
  // whole by itself, so that a worker loads a few kilobytes and not the engine.
  await bundle(to, `${here}playground.ts`, 'playground.js', sizes);
  await bundle(to, `${here}formula-model.ts`, 'formula-model.js', sizes);
  await bundle(to, `${root}engine/pool/worker.mjs`, 'worker.mjs', sizes);
  for (const from of COPIED) {
    const name = basename(from);
    copyFileSync(from, `${to}${name}`);
    sizes[name] = statSync(from).size;
  }
  return sizes;
}

/** Prints a line a file; answers whether it is little enough. */
export function printSizes(sizes: Readonly<Record<string, number>>): boolean {
  const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
  for (const [name, bytes] of Object.entries(sizes).sort((a, b) => b[1] - a[1]))
    console.log(`${String(bytes).padStart(8)}  ${name}`);
  console.log(`${String(total).padStart(8)}  bytes in all (limit ${MOST_BYTES})`);
  return total <= MOST_BYTES;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && !printSizes(await buildPage()))
  process.exitCode = 1;
