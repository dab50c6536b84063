import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder, writeOnce } from './folder.ts';
import { type ShardFailure, toldError } from './threads.ts';
import type { WorkerInfo } from './types.ts';

/*
 * Who computes what in a shared folder: claim/<index> says that somebody is at a shard as long as its time is young,
 * fail/<index>.json why one cannot be computed, `stop` that nobody should begin another. Claims only save work: two who
 * compute one shard write the same bytes.
 */

/** Seconds after which a silent claim, or worker, counts as dead. */
export const STALE = 15;
/** Starts of a shard before it counts as what kills its workers. */
const MOST_STARTS = 6;

/** Claims and failures of a run. */
export interface RunTasks {
  /** Starts of the shard with this one, or undefined where somebody else is at it. */
  claim(index: number, now: number): number | undefined;
  /** Still at it. */
  touch(index: number): void;
  /** Somebody else may begin it at once. */
  release(index: number): void;
  done(index: number): void;
  /** Shards that somebody is at. */
  active(): readonly number[];
  fail(index: number, failure: ShardFailure): void;
  /** The first failure there is, as an error. */
  failure(): Error | undefined;
  /** Nobody begins another shard; `open` undoes it. */
  close(): void;
  open(): void;
  readonly closed: boolean;
  readonly mostStarts: number;
}

/** The tasks of the run in a folder. */
export function openTasks(path: string, stale: number = STALE): RunTasks {
  const claims = join(path, 'claim');
  const fails = join(path, 'fail');
  const stop = join(path, 'stop');
  for (const folder of [claims, fails]) mkdirSync(folder, { recursive: true });
  const file = (index: number): string => join(claims, String(index));
  return {
    mostStarts: MOST_STARTS,
    claim(index, now) {
      try {
        writeFileSync(file(index), '1', { flag: 'wx' });
        return 1;
      } catch {
        const age = ageOf(file(index), now);
        if (age === undefined || age < stale) return undefined;
        const starts = Number(readText(file(index)) ?? 1) + 1;
        writeFileSync(file(index), String(starts));
        return starts;
      }
    },
    touch: (index) => touch(file(index)),
    release(index) {
      if (existsSync(file(index))) utimesSync(file(index), 0, 0);
    },
    done: (index) => rmSync(file(index), { force: true }),
    active() {
      const now = Date.now() / 1000;
      return readdirSync(claims)
        .map(Number)
        .filter((index) => (ageOf(file(index), now) ?? stale) < stale);
    },
    fail(index, failure) {
      writeOnce(fails, `${index}.json`, new TextEncoder().encode(JSON.stringify(failure)));
    },
    failure() {
      const [name] = readdirSync(fails).filter((entry) => /^\d+\.json$/.test(entry));
      const text = name === undefined ? undefined : readText(join(fails, name));
      return text === undefined ? undefined : toldError(JSON.parse(text) as ShardFailure);
    },
    close: () => writeFileSync(stop, ''),
    open() {
      rmSync(stop, { force: true });
      for (const name of readdirSync(fails)) rmSync(join(fails, name), { force: true });
    },
    get closed() {
      return existsSync(stop);
    },
  };
}

/** What a worker leaves in the folder to be seen. */
export interface Presence {
  /** The time of the file system, in seconds: clocks of machines differ. */
  beat(): number;
  leave(): void;
}

/** Announce a worker in a folder. */
export function announceWorker(directory: string, info: WorkerInfo): Presence {
  const folder = join(directory, 'workers');
  makeFolder(directory);
  makeFolder(folder);
  const file = join(folder, `${info.id}.json`);
  return {
    beat() {
      writeFileSync(file, JSON.stringify(info));
      return statSync(file).mtimeMs / 1000;
    },
    leave: () => rmSync(file, { force: true }),
  };
}

/** Workers of a folder that were heard of lately. */
export function aliveWorkers(directory: string): readonly WorkerInfo[] {
  const folder = join(directory, 'workers');
  if (!existsSync(folder)) return [];
  const now = Date.now() / 1000;
  return readdirSync(folder).flatMap((name) => {
    const file = join(folder, name);
    const text = (ageOf(file, now) ?? STALE) < STALE ? readText(file) : undefined;
    try {
      return text === undefined ? [] : [JSON.parse(text) as WorkerInfo];
    } catch {
      return []; // being written
    }
  });
}

/** 'node7-4711-0f3a9b2c' */
export function workerName(): string {
  return `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
}

function touch(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {} // somebody finished it
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
