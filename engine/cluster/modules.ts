import { readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nearestName } from '../check.ts';
import { InputError, OptionError } from '../errors.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import type { ModuleRef } from './types.ts';

/** The file that says which models a worker may load: { "flood": "flood.ts" }. */
export const REGISTRY_FILE = 'ensample.models.json';
const LOCKFILES: readonly string[] = ['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock'];
/** Files that one model may name. */
const MOST_FILES = 1000;

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
  if (folder === undefined)
    throw badRegistry(
      path,
      `there is no ${basename(path)}`,
      `a model file, or a folder with ${REGISTRY_FILE}`,
    );
  if (!folder.isDirectory()) return fixedModules({ [nameOf(whole)]: whole });
  const file = join(whole, REGISTRY_FILE);
  const text = readText(file);
  if (text === undefined)
    throw badRegistry(REGISTRY_FILE, `there is no ${REGISTRY_FILE} in ${basename(whole)}`);
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
    url({ name, hash, exportName = 'default' }) {
      if (!Object.hasOwn(files, name)) throw notRegistered(name, names);
      // What every object has is no export, also where the loader answers an ordinary object.
      if (exportName in Object.prototype) throw noExport(exportName);
      const own = hashOf(name);
      if (own === hash) return pathToFileURL(files[name]!).href;
      throw new OptionError({
        where: 'cluster',
        option: 'module',
        value: name,
        found: `model ${name} has hash ${hash.slice(0, 12)} in the plan and ${own.slice(0, 12)} here`,
        expected: 'the same files on every machine',
        fix: 'Copy it again with all files that it names and, where it uses packages, their lockfile; or make a new plan.',
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
 * sha256 over path, size and sha256 of a module and of every file that its text, or that of such a file, names by a
 * relative path ('./table.csv', in an import or anywhere); where one of them imports a package other than this one, also of
 * the lockfile nearest above. Not of the whole folder, as the specification has it: results, reports and runs that are
 * written there would change the hash of the model, and so would a lockfile that says nothing about it.
 * @throws OptionError for more than 1000 files.
 */
export function hashModule(file: string): string {
  const main = resolve(file);
  const folder = dirname(main);
  const found = new Set<string>();
  const open = [main];
  const rows: (string | number)[][] = [];
  let packages = false;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    if (found.size > MOST_FILES) throw tooManyFiles(folder);
    const bytes = readFileSync(path);
    rows.push([relative(folder, path).split(sep).join('/'), bytes.length, sha256(bytes)]);
    if (!CODE.test(path)) continue;
    const text = bytes.toString('utf8');
    open.push(...namedFiles(path, text));
    packages ||= usesPackages(text);
  }
  const lock = packages ? lockfileAbove(folder) : undefined;
  if (lock !== undefined) rows.push([basename(lock), sha256(readFileSync(lock))]);
  rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return sha256(canonicalJson(rows));
}

const CODE = /\.[cm]?[jt]sx?$/;
const RELATIVE = /(['"`])(\.{1,2}\/[^'"`\n]{1,255})\1/g;

const IMPORTED = /\b(?:from|import|require)\s*\(?\s*(['"`])([^'"`\n]{1,255})\1/g;

/** Whether a module may load a package. Node is part of the class of a shard, and so is this package. */
function usesPackages(text: string): boolean {
  return Array.from(text.matchAll(IMPORTED), ([, , name]) => name!).some(
    (name) => !/^[./]|^ensample($|\/)/.test(name) && !isBuiltin(name),
  );
}

/** Files that the text of a module names by relative paths, as they lie. */
function namedFiles(path: string, text: string): string[] {
  const paths = Array.from(text.matchAll(RELATIVE), ([, , name]) => join(dirname(path), name!));
  // TypeScript may say ./law.js and mean ./law.ts.
  const all = paths.flatMap((named) => [
    named,
    named.replace(/\.([cm]?)js$/, '.$1ts'),
    `${named}.ts`,
    `${named}.js`,
  ]);
  return all.filter((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true);
}

/** The lockfile that says which packages a model gets; undefined where there is none. */
function lockfileAbove(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const lock = LOCKFILES.map((name) => join(at, name)).find((path) =>
      statSync(path, { throwIfNoEntry: false }),
    );
    if (lock !== undefined) return lock;
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

function noExport(name: string): OptionError {
  const found = `the plan asks for export ${JSON.stringify(name)}`;
  const expected = 'a name that the module exports';
  return new OptionError({ where: 'cluster', option: 'module', value: name, found, expected });
}

function noFile(url: string): OptionError {
  const found = `the model is ${url.slice(0, 40)}`;
  return new OptionError({ where: 'cluster', option: 'model', value: url, found, expected: 'a file' });
}

function badRegistry(
  file: string,
  found: string,
  expected = `${REGISTRY_FILE} with names and paths of models in its own folder`,
): InputError {
  const fix = 'For example { "flood": "flood.ts" } in a folder, or one file: --models flood.ts.';
  return new InputError({ where: 'cluster', file, found, expected, fix });
}

function notRegistered(name: string, names: readonly string[]): OptionError {
  const near = nearestName(name, names);
  return new OptionError({
    where: 'cluster',
    option: 'module',
    value: name,
    found: `model ${name} is not registered on this machine`,
    expected: names.length === 0 ? 'a model that it knows' : `one of ${names.join(', ')}`,
    fix:
      near !== undefined
        ? `Did you mean ${near}?`
        : names.length === 0
          ? `Say where it lies: --models FILE, or --models DIR with ${REGISTRY_FILE} in it.`
          : `Let --models name its file, or a folder whose ${REGISTRY_FILE} lists it.`,
  });
}

function tooManyFiles(folder: string): OptionError {
  return new OptionError({
    where: 'cluster',
    option: 'module',
    value: basename(folder),
    found: `the model names more than ${MOST_FILES} files`,
    expected: 'fewer',
  });
}
