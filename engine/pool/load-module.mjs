/**
 * Loads a module that holds a model: the one implementation, used on the main thread and in every worker.
 * Plain JavaScript because a worker must be able to load it before anything is compiled. Nothing of Node is
 * imported until a file is loaded, so that browsers can take this file as it is.
 */

// Names in variables keep bundlers for browsers from following imports that only Node will ever make.
const NODE = { fs: 'node:fs', os: 'node:os', path: 'node:path', url: 'node:url' };
const JITI = 'jiti';
/** What models import, in the few files that the build makes for Node. */
const BUNDLE = ['../../node/index.js', '../../node/engine.js'];

const TYPED = /\.(ts|mts|cts|tsx|jsx)$/;
const UNRESOLVED = /Cannot find (package|module) 'ensample(\/engine)?'/;

/** The exports of the module at `url` (file:, data:, http:). Rejects with whatever the module or its parser threw. */
export async function importModule(url) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:') return import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  if (TYPED.test(pathname)) return importTranspiled(url);
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } catch (error) {
    // A folder without node_modules has no `ensample`, and without package.json its .js counts as CommonJS.
    const ours = UNRESOLVED.test(error?.message ?? '');
    // A parser of our own knows the line, which the error of Node does not.
    const unparsed = error instanceof SyntaxError && !/does not provide an export/.test(error.message);
    if (ours || unparsed) return importTranspiled(url);
    throw error;
  }
}

/** Through jiti, which knows TypeScript and answers `import ... from 'ensample'` with the running copy. */
async function importTranspiled(url) {
  const { readFileSync } = await import(/* @vite-ignore */ NODE.fs);
  const { fileURLToPath } = await import(/* @vite-ignore */ NODE.url);
  const file = fileURLToPath(url);
  const laws = readFileSync(file, 'utf8').includes('ensample');
  try {
    return await transpile(file, laws);
  } catch (error) {
    if (laws || !UNRESOLVED.test(error?.message ?? '')) throw error;
    return transpile(file, true);
  }
}

async function transpile(file, laws) {
  const { createJiti } = await import(/* @vite-ignore */ JITI);
  const options = { interopDefault: false, fsCache: await cacheFolder() };
  if (laws) options.virtualModules = await ownModules(createJiti, options);
  return createJiti(import.meta.url, options).import(file);
}

let own;
/** Whether models get this package from its bundle: where this file is a part of it, or nobody here holds other modules of it. */
let bundled = false;

/** For a thread that evaluates models and nothing else: it needs no part of this package but what models import. */
export function serveModelsAlone() {
  bundled = true;
}

/** This package's own entry points by the names a model imports. Loaded once. */
function ownModules(createJiti, options) {
  own ??= loadOwn(createJiti, options).then(([ensample, engine]) => ({
    ensample,
    'ensample/engine': engine,
  }));
  return own;
}

async function loadOwn(createJiti, options) {
  const { existsSync } = await import(/* @vite-ignore */ NODE.fs);
  // Loaded in a third of the time that all modules take.
  const bundle = BUNDLE.map((path) => new URL(path, import.meta.url));
  if (bundled && existsSync(bundle[0]))
    return Promise.all(bundle.map(({ href }) => import(/* @vite-ignore */ /* webpackIgnore: true */ href)));
  return Promise.all([
    ownEntry('estimators/index', createJiti, options),
    ownEntry('engine/index', createJiti, options),
  ]);
}

/** The built entry when this file is the built one, else the source: natively where that works, or through jiti. */
async function ownEntry(name, createJiti, options) {
  const { existsSync } = await import(/* @vite-ignore */ NODE.fs);
  const built = new URL(`../../${name}.js`, import.meta.url);
  if (existsSync(built)) return import(/* @vite-ignore */ /* webpackIgnore: true */ built.href);
  const source = new URL(`../../${name}.ts`, import.meta.url).href;
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ source);
  } catch (error) {
    if (error?.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    return createJiti(import.meta.url, options).import(source);
  }
}

/**
 * Where transpiled files are kept: a folder that only this user can write, because what is read from it runs.
 * False where there is no such folder; then every load transpiles anew.
 */
async function cacheFolder() {
  try {
    const { mkdirSync, lstatSync } = await import(/* @vite-ignore */ NODE.fs);
    const { tmpdir } = await import(/* @vite-ignore */ NODE.os);
    const { join } = await import(/* @vite-ignore */ NODE.path);
    const user = process.getuid?.() ?? 0;
    const folder = join(tmpdir(), `ensample-${user}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const mine = process.getuid === undefined || (found.uid === user && (found.mode & 0o022) === 0);
    return found.isDirectory() && mine ? folder : false;
  } catch {
    return false;
  }
}

/**
 * A model export as { kind, evaluate }: a function of one argument takes named inputs, one of two or more a
 * batch (x, out); the value of named(), pointwise() or batch() is itself. Undefined when it is no model.
 */
export function toLocalModel(value) {
  if (typeof value === 'function') return { kind: value.length >= 2 ? 'batch' : 'named', evaluate: value };
  if (value === null || typeof value !== 'object' || typeof value.evaluate !== 'function') return undefined;
  const known = value.kind === 'batch' || value.kind === 'pointwise' || value.kind === 'named';
  return known ? value : undefined;
}
