import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Announcement } from './announcement.ts';
import { codeOf, isFull, makeFolder, unwritable, writeOnce } from './folder.ts';
import { type ShardFailure, toldError } from './threads.ts';
import type { ShardDifference } from './types.ts';

/*
 * Who computes what in a shared folder: claim/<index> says that somebody is at a shard as long as its time is young,
 * fail/<index>.json why one cannot be computed, `stop` that nobody should begin another. Claims only save work: two who
 * compute one shard write the same bytes. audit/<index> asks for a second computation while it is empty, differ/<index>.json
 * says how far two are apart, `full`, while it is young, that a result waits for room, and `class` whose results are read.
 */

/** Folder with a file for each further start of a shard. */
const RETRIES = 'retry';
/** Seconds after which a silent claim, or worker, counts as dead. */
export const STALE = 15;
/** File with the class of the coordinator. */
const CLASS = 'class';
/** Starts of a shard before it counts as what kills its workers. */
const MOST_STARTS = 6;

/** Claims and failures of a run. */
export interface RunTasks {
  /** Starts of the shard with this one, or undefined where somebody else is at it. @throws ClusterError, see `isUnwritable`. */
  claim(index: number, now: number): number | undefined;
  /** Still at it. */
  touch(index: number): void;
  /** Somebody else may begin it at once. */
  release(index: number): void;
  done(index: number): void;
  /** How often a shard was begun again. */
  retried(): number;
  /** Shards that somebody is at. */
  active(): readonly number[];
  fail(index: number, failure: ShardFailure): void;
  /** The first failure there is, as an error. */
  failure(): Error | undefined;
  /** Asks for second computations, each once; answers how many have been made. */
  ask(indices: readonly number[]): number;
  /** Second computations that are to be made, and for how many seconds they have been. */
  asked(now: number): readonly { readonly index: number; readonly age: number }[];
  /** A second computation that ended well. */
  audited(index: number): void;
  /** Two results of a shard of tier B are so far apart. */
  differ(difference: ShardDifference): void;
  differences(): readonly ShardDifference[];
  /** A result waits for room, or no longer. */
  wait(): void;
  go(): void;
  readonly full: boolean;
  /** Class of the coordinator, as `classKey` names it; undefined where there was none. */
  readonly class: string | undefined;
  /** Workers of other classes begin no shard. */
  lead(key: string): void;
  /** Nobody begins another shard; `open` undoes it. */
  close(): void;
  open(): void;
  readonly closed: boolean;
  readonly mostStarts: number;
}

/**
 * The tasks of the run in a folder.
 * @param write false for who only looks, perhaps where nothing can be written.
 */
export function openTasks(
  path: string,
  stale: number = STALE,
  clock: () => number = clockOf(path),
  write = true,
): RunTasks {
  const claims = join(path, 'claim');
  const fails = join(path, 'fail');
  const differs = join(path, 'differ');
  const stop = join(path, 'stop');
  const full = join(path, 'full');
  const retries = join(path, RETRIES);
  if (write) for (const folder of [claims, fails, differs, retries]) makeFolder(folder);
  const file = (index: number): string => join(claims, String(index));
  return {
    mostStarts: MOST_STARTS,
    claim: (index, now) => claimed(file(index), now, stale),
    touch: (index) => touch(file(index)),
    release(index) {
      if (existsSync(file(index))) utimesSync(file(index), 0, 0);
    },
    done: (index) => rmSync(file(index), { force: true }),
    retried: () => entriesOf(retries).length,
    active() {
      const now = clock();
      return readdirSync(claims)
        .map(Number)
        .filter((index) => (ageOf(file(index), now) ?? stale) < stale);
    },
    ...told(fails, differs),
    ...audits(join(path, 'audit')),
    wait: () => attempt(() => writeFileSync(full, '')),
    go: () => rmSync(full, { force: true }),
    get full() {
      return (ageOf(full, clock()) ?? STALE) < STALE;
    },
    get class() {
      return readText(join(path, CLASS));
    },
    lead(key) {
      if (readText(join(path, CLASS)) === key) return;
      rmSync(join(path, CLASS), { force: true });
      writeOnce(path, CLASS, new TextEncoder().encode(key));
    },
    close() {
      writeOnce(path, basename(stop), new Uint8Array(0));
    },
    open() {
      rmSync(stop, { force: true });
      for (const name of readdirSync(fails)) rmSync(join(fails, name), { force: true });
    },
    get closed() {
      return existsSync(stop);
    },
  };
}

function told(fails: string, differs: string): Pick<RunTasks, 'fail' | 'failure' | 'differ' | 'differences'> {
  return {
    fail(index, failure) {
      writeOnce(fails, `${index}.json`, encode(failure));
    },
    failure() {
      const [failure] = readAll<ShardFailure>(fails);
      return failure === undefined ? undefined : toldError(failure);
    },
    differ(difference) {
      writeOnce(differs, `${difference.shard}.json`, encode(difference));
    },
    differences: () => readAll<ShardDifference>(differs),
  };
}

function audits(folder: string): Pick<RunTasks, 'ask' | 'asked' | 'audited'> {
  const file = (index: number): string => join(folder, String(index));
  return {
    ask(indices) {
      if (indices.length > 0) makeFolder(folder);
      let made = 0;
      for (const index of indices) {
        const size = statSync(file(index), { throwIfNoEntry: false })?.size;
        if (size === undefined) writeOnce(folder, String(index), new Uint8Array(0));
        else if (size > 0) made++;
      }
      return made;
    },
    asked(now) {
      if (!existsSync(folder)) return [];
      return readdirSync(folder).flatMap((name) => {
        const found = /^\d+$/.test(name)
          ? statSync(join(folder, name), { throwIfNoEntry: false })
          : undefined;
        return found?.size === 0 ? [{ index: Number(name), age: now - found.mtimeMs / 1000 }] : [];
      });
    },
    audited: (index) => writing(file(index), () => writeFileSync(file(index), '1')),
  };
}

function claimed(file: string, now: number, stale: number): number | undefined {
  try {
    writeFileSync(file, '1', { flag: 'wx' });
    return 1;
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') {
      // On a full disk a name may be there without its content.
      if (isFull(unwritable(file, cause))) rmSync(file, { force: true });
      throw unwritable(file, cause);
    }
    const age = ageOf(file, now);
    if (age === undefined || age < stale) return undefined;
    const starts = Number(readText(file) ?? 1) + 1;
    writing(file, () => writeFileSync(file, String(starts)));
    attempt(() => writeFileSync(join(dirname(file), '..', RETRIES, `${basename(file)}-${starts}`), ''));
    return starts;
  }
}

function writing(file: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** What the <index>.json of a folder say. */
function entriesOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function readAll<T>(folder: string): readonly T[] {
  return entriesOf(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => {
      const text = readText(join(folder, name));
      return text === undefined ? [] : [JSON.parse(text) as T];
    });
}

/** What a worker leaves in the folder to be seen. */
export interface Presence {
  /** The time of the file system, in seconds: clocks of machines differ. */
  beat(): number;
  leave(): void;
}

/** Announce a worker in a folder. */
export function announceWorker(directory: string, info: Announcement): Presence {
  const folder = join(directory, 'workers');
  makeFolder(directory);
  makeFolder(folder);
  const file = join(folder, `${info.id}.json`);
  const text = JSON.stringify(info);
  // In place where it is there already: the same bytes need no room.
  const beat = (): void => writeFileSync(file, text, { flag: existsSync(file) ? 'r+' : 'w' });
  try {
    beat();
  } catch (cause) {
    const error = unwritable(file, cause);
    if (!isFull(error)) throw error;
  }
  return {
    beat() {
      attempt(beat);
      const found = statSync(file, { throwIfNoEntry: false });
      return (found === undefined ? Date.now() : found.mtimeMs) / 1000;
    },
    leave: () => rmSync(file, { force: true }),
  };
}

/** Workers of a folder that were heard of lately. */
export function aliveWorkers(directory: string, now: number): readonly Announcement[] {
  const folder = join(directory, 'workers');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const file = join(folder, name);
    const text = (ageOf(file, now) ?? STALE) < STALE ? readText(file) : undefined;
    try {
      return text === undefined ? [] : [JSON.parse(text) as Announcement];
    } catch {
      return []; // being written
    }
  });
}

/** 'node7-4711-0f3a9b2c' */
export function workerName(): string {
  return `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
}

/** In place, so that the time is that of the file system. Somebody may have finished it. */
function touch(file: string): void {
  attempt(() => writeFileSync(file, readFileSync(file), { flag: 'r+' }));
}

/**
 * The time of the file system of a folder, in seconds: clocks of machines differ. Measured once; this machine's where
 * nothing can be written.
 */
export function clockOf(folder: string): () => number {
  const file = join(folder, `.clock-${workerName()}`);
  let ahead = 0;
  attempt(() => {
    writeFileSync(file, '');
    ahead = statSync(file).mtimeMs - Date.now();
  });
  rmSync(file, { force: true });
  return () => (Date.now() + ahead) / 1000;
}

/** What comes again soon, so that it does not matter when it fails. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {}
}

/** Seconds since a file was written; undefined where there is none. */
function ageOf(file: string, now: number): number | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : now - found.mtimeMs / 1000;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
