import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nearestName } from '../check.ts';
import { InputError, OptionError } from '../errors.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import type { ModuleRef } from './types.ts';

/** The file that says which models a worker may load: { "flood": "flood.ts" }. */
export const REGISTRY_FILE = 'ensample.models.json';
const LOCKFILES: readonly string[] = ['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock'];
/** A model's folder is hashed whole; what has more files than this is no folder of a model. */
const MOST_FILES = 10_000;

/** Models that this machine may load, by name. What comes over a network names them and never says where they lie. */
export interface ModuleRegistry {
  readonly names: readonly string[];
  /** Absolute paths by name, for threads of this process. */
  readonly files: Readonly<Record<string, string>>;
  /** All of them with their hashes. */
  refs(): readonly ModuleRef[];
  /** @throws OptionError when the name is not registered, or its folder has another hash than the plan's. */
  url(ref: ModuleRef): string;
  /** How plans name the module at `url`. @throws OptionError when it is not registered. */
  refOf(url: string, exportName: string): ModuleRef;
}

/**
 * The models of a folder with `ensample.models.json`, or one model file under its base name.
 * @throws InputError when there is no such file, or it is not a record of names and relative paths.
 */
export function openModules(path: string): ModuleRegistry {
  const whole = resolve(path);
  const folder = statSync(whole, { throwIfNoEntry: false });
  if (folder === undefined) throw badRegistry(path, `there is no ${basename(path)}`);
  if (!folder.isDirectory()) return fixedModules({ [nameOf(whole)]: whole });
  const file = join(whole, REGISTRY_FILE);
  const text = readText(file);
  if (text === undefined) throw badRegistry(REGISTRY_FILE, `no ${REGISTRY_FILE} in that folder`);
  const files: Record<string, string> = {};
  for (const [name, own] of Object.entries(parse(text))) {
    const place = typeof own === 'string' ? resolve(whole, own) : '';
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name) || name === '__proto__' || !place.startsWith(whole + sep))
      throw badRegistry(REGISTRY_FILE, `entry ${JSON.stringify(name)} is ${JSON.stringify(own)}`);
    files[name] = place;
  }
  return fixedModules(files);
}

/** Models by name at absolute paths, as the owner of this process says. Hashes are taken once. */
export function fixedModules(files: Readonly<Record<string, string>>): ModuleRegistry {
  const names = Object.keys(files);
  const hashes = new Map<string, string>();
  const hashOf = (name: string): string => {
    const hash = hashes.get(name) ?? hashModule(files[name]!);
    hashes.set(name, hash);
    return hash;
  };
  return {
    names,
    files,
    refs: () => names.map((name) => ({ name, hash: hashOf(name) })),
    url({ name, hash }) {
      if (!Object.hasOwn(files, name)) throw notRegistered(name, names);
      const own = hashOf(name);
      if (own === hash) return pathToFileURL(files[name]!).href;
      throw new OptionError({
        where: 'cluster',
        option: 'module',
        value: name,
        found: `model ${name} has hash ${hash.slice(0, 12)} in the plan and ${own.slice(0, 12)} here`,
        expected: 'the same files in its folder on every machine',
        fix: 'Copy the folder again, or make a new plan.',
      });
    },
    refOf(url, exportName) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : url;
      const name = names.find((candidate) => resolve(files[candidate]!) === resolve(path));
      if (name === undefined) throw notRegistered(basename(path), names);
      return { name, hash: hashOf(name), ...(exportName === 'default' ? {} : { exportName }) };
    },
  };
}

/**
 * How plans name the module at `url`: as the registry at `models`, or beside the module, says; without one by its base
 * name.
 * @throws OptionError when it is no file, or there is a registry that does not list it.
 */
export function moduleRef(url: string, exportName: string, models?: string): ModuleRef {
  if (!url.startsWith('file:')) throw noFile(url);
  const path = fileURLToPath(url);
  const beside = statSync(join(dirname(path), REGISTRY_FILE), { throwIfNoEntry: false }) !== undefined;
  const known = models ?? (beside ? dirname(path) : path);
  return openModules(known).refOf(url, exportName);
}

/** 'flood' of '/models/flood.ts' */
export function nameOf(path: string): string {
  return basename(path, extname(path)).replace(/[^A-Za-z0-9_.-]/g, '-');
}

/**
 * sha256 over path, size and sha256 of every file in the folder of a model, sorted by path, and the lockfile nearest
 * above it. Left out: node_modules, names that begin with a dot, and folders of runs (they hold a plan.bin), which would
 * change the hash by being written.
 * @throws OptionError for a folder of more than 10 000 files.
 */
export function hashModule(file: string): string {
  const folder = dirname(resolve(file));
  const paths = filesIn(folder).map((path) => ({ path, as: relative(folder, path).split(sep).join('/') }));
  const lock = lockfileAbove(folder);
  if (lock !== undefined) paths.push({ path: lock, as: `../${basename(lock)}` });
  paths.sort((a, b) => (a.as < b.as ? -1 : 1));
  const rows = paths.map(({ path, as }) => {
    const bytes = readFileSync(path);
    return [as, bytes.length, sha256(bytes)];
  });
  return sha256(canonicalJson([basename(file), rows]));
}

function filesIn(folder: string, found: string[] = []): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'plan.bin')) return found;
  for (const entry of entries) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) filesIn(path, found);
    else if (entry.isFile()) found.push(path);
    if (found.length > MOST_FILES) throw tooManyFiles(folder);
  }
  return found;
}

/** The lockfile that says which packages a model gets; undefined when it lies in the folder itself, or nowhere. */
function lockfileAbove(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const lock = LOCKFILES.map((name) => join(at, name)).find((path) =>
      statSync(path, { throwIfNoEntry: false }),
    );
    if (lock !== undefined) return at === folder ? undefined : lock;
    if (dirname(at) === at) return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch {}
  throw badRegistry(REGISTRY_FILE, `${REGISTRY_FILE} is no JSON record`);
}

function noFile(url: string): OptionError {
  const found = `the model is ${url.slice(0, 40)}`;
  return new OptionError({ where: 'cluster', option: 'model', value: url, found, expected: 'a file' });
}

function badRegistry(file: string, found: string): InputError {
  return new InputError({
    where: 'cluster',
    file,
    found,
    expected: `${REGISTRY_FILE} with names and paths of models in its own folder`,
    fix: 'For example { "flood": "flood.ts" }.',
  });
}

function notRegistered(name: string, names: readonly string[]): OptionError {
  const near = nearestName(name, names);
  return new OptionError({
    where: 'cluster',
    option: 'module',
    value: name,
    found: `model ${name} is not registered on this machine`,
    expected: names.length === 0 ? `an entry of ${REGISTRY_FILE}` : `one of ${names.join(', ')}`,
    fix:
      near === undefined ? `Add it to ${REGISTRY_FILE} in the folder of --models.` : `Did you mean ${near}?`,
  });
}

function tooManyFiles(folder: string): OptionError {
  return new OptionError({
    where: 'cluster',
    option: 'module',
    value: basename(folder),
    found: `the folder of the model has more than ${MOST_FILES} files`,
    expected: 'a folder that holds the model and what it needs',
    fix: 'Move the model into a folder of its own.',
  });
}
