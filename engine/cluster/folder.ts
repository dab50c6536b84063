import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from './canonical.ts';
import { ClusterError } from './cluster-error.ts';
import { decodePlan, encodePlan } from './plan.ts';
import type { BlobRef, BlobStore, Plan } from './types.ts';

/*
 * A run as a folder: plan.bin, res/<index>.ens, blobs/<sha256>. A file is written under a name of its own in the same
 * folder, synced, linked to its name, which fails where there is one, and unlinked: whoever reads it sees all of it.
 */

const PLAN = 'plan.bin';
const RESULTS = 'res';
const BLOBS = 'blobs';

let lastFile = 0;

/** Whether `bytes` are there now under that name: 'first' when by this call, 'taken' when somebody else was before. */
export function writeOnce(folder: string, name: string, bytes: Uint8Array): 'first' | 'taken' {
  const own = join(folder, `.${hostname()}-${process.pid}-${++lastFile}-${crypto.randomUUID().slice(0, 8)}`);
  try {
    const file = openSync(own, 'wx', 0o644);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(own, join(folder, name));
    return 'first';
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return 'taken';
    throw unwritable(join(folder, name), cause);
  } finally {
    rmSync(own, { force: true });
  }
}

/** Contents by their hash in a folder; made when it is first written to. */
export function blobFolder(folder: string): BlobStore {
  return {
    async put(bytes) {
      const ref: BlobRef = { sha256: sha256(bytes), bytes: bytes.length };
      makeFolder(folder);
      writeOnce(folder, ref.sha256, bytes);
      return ref;
    },
    async get({ sha256: hash, bytes: size }) {
      const file = join(folder, /^[0-9a-f]{64}$/.test(hash) ? hash : '');
      const found = statSync(file, { throwIfNoEntry: false });
      const there = found?.isFile() === true;
      // What is longer than it should be is not read.
      const bytes = there && found.size === size ? readIfThere(file) : undefined;
      if (bytes !== undefined && sha256(bytes) === hash) return bytes;
      if (there) rmSync(file, { force: true });
      throw new ClusterError({
        where: 'cluster',
        found: `blob ${hash.slice(0, 12)} ${there ? 'has other bytes than its hash says' : 'is not there'}`,
        expected: 'what was written beside the record',
        fix: 'Its shard is computed again.',
      });
    },
  };
}

/** Blobs written to the first folder, and read from the first that has them. */
export function blobFolders([first = '', ...others]: readonly string[]): BlobStore {
  const store = blobFolder(first);
  if (others.length === 0) return store;
  const behind = blobFolders(others);
  return { put: store.put, get: (ref) => store.get(ref).catch(() => behind.get(ref)) };
}

/** Records of a run by shard. */
export interface RunFolder {
  readonly path: string;
  readonly blobs: BlobStore;
  /** Folder of the blob store. */
  readonly blobPath: string;
  /** 'taken' leaves what is there. @throws ClusterError when it cannot be written. */
  put(index: number, record: Uint8Array): 'first' | 'taken';
  get(index: number): Uint8Array | undefined;
  has(index: number): boolean;
  /** Path of a record, whether it is there or not. */
  fileOf(index: number): string;
  /** Forget a record that cannot be used. */
  drop(index: number): void;
  indices(): readonly number[];
}

/** The run of a plan in `path`, made where there is none. @throws ClusterError when it holds another plan. */
export function makeRunFolder(path: string, plan: Plan<unknown>): RunFolder {
  const bytes = encodePlan(plan);
  makeFolder(join(path, RESULTS));
  makeFolder(join(path, BLOBS));
  // What is there may lie where nothing can be written, and be merged all the same.
  if (existsSync(join(path, PLAN)) || writeOnce(path, PLAN, bytes) === 'taken') {
    const there = readFileSync(join(path, PLAN));
    if (!there.equals(bytes)) throw otherPlan(basename(path), there, bytes);
  }
  return openRunFolder(path);
}

function otherPlan(name: string, there: Uint8Array, own: Uint8Array): ClusterError {
  const id = (plan: Uint8Array): string => sha256(plan).slice(0, 32);
  const expected = 'an empty folder, or the one of the same run';
  try {
    decodePlan(there);
  } catch (cause) {
    const found = `${PLAN} of ${name} has ${there.length} bytes that are no plan`;
    return new ClusterError({ where: 'cluster', found, expected, fix: 'Delete that folder.', cause });
  }
  return new ClusterError({
    where: 'cluster',
    found: `${name} holds run ${id(there)}, and this is run ${id(own)}`,
    expected,
    fix: 'Has the model changed, or a flag? Take another folder, or delete that one.',
  });
}

/** A run that is there. */
export function openRunFolder(path: string): RunFolder {
  const results = join(path, RESULTS);
  const blobPath = join(path, BLOBS);
  const fileOf = (index: number): string => join(results, `${index}.ens`);
  return {
    path,
    fileOf,
    blobPath,
    blobs: blobFolder(blobPath),
    put: (index, record) => writeOnce(results, `${index}.ens`, record),
    get: (index) => readIfThere(fileOf(index)),
    has: (index) => existsSync(fileOf(index)),
    drop: (index) => rmSync(fileOf(index), { force: true }),
    indices: () =>
      readdirSync(results).flatMap((name) => {
        const index = /^(0|[1-9]\d{0,8})\.ens$/.exec(name)?.[1];
        return index === undefined ? [] : [Number(index)];
      }),
  };
}

/** The bytes of the plan in a run's folder; undefined where there is none. */
export function readPlanFile(path: string): Uint8Array | undefined {
  return readIfThere(join(path, PLAN));
}

/** @throws ClusterError when it cannot be made. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw unwritable(path, whyNot(path, cause));
  }
}

/** Of a folder in a file system that is read-only Node says that it is not there; the one above it knows better. */
function whyNot(path: string, cause: unknown): unknown {
  if (codeOf(cause) !== 'ENOENT') return cause;
  let above = dirname(resolve(path));
  while (!existsSync(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK);
    return cause;
  } catch (own) {
    return own;
  }
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** 'ENOSPC', of an error of the file system. */
export function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | null)?.code;
}

const ROOM = { expected: 'room for results there', fix: 'Make room: finished shards are kept.' };
const RIGHTS = {
  expected: 'a folder that this user may write',
  fix: 'Allow this user to write there, or name another folder.',
};
const MOUNT = { expected: 'one that can be written', fix: RIGHTS.fix };
const OTHER = { expected: 'a folder', fix: 'Name another folder.' };
const UNKNOWN = { expected: 'a folder that can be written', fix: 'Finished shards are kept.' };

/** Why a file cannot be written, what is needed, and what to do. */
const REASONS: Readonly<
  Record<string, { readonly why: string; readonly expected: string; readonly fix: string }>
> = {
  ENOSPC: { why: 'the disk is full', ...ROOM },
  EDQUOT: { why: 'the quota is used up', ...ROOM },
  EACCES: { why: 'permission is denied', ...RIGHTS },
  EPERM: { why: 'permission is denied', ...RIGHTS },
  EROFS: { why: 'the file system is read-only', ...MOUNT },
  ENOTDIR: { why: 'its folder is a file', ...OTHER },
  EEXIST: { why: 'it is a file', ...OTHER },
};

/** The error of what could not be written. @param path as the user gave its folder. */
export function unwritable(path: string, cause: unknown): ClusterError {
  const { why, expected, fix } = REASONS[codeOf(cause) ?? ''] ?? { why: String(cause), ...UNKNOWN };
  return new ClusterError({
    where: 'cluster',
    found: `${path} cannot be written because ${why}`,
    ...{ expected, fix, cause },
  });
}

/** Whether the fault is the folder's, which somebody may mend, and not that of what was to be written. */
export function isUnwritable(error: unknown): error is ClusterError {
  return error instanceof ClusterError && Object.hasOwn(REASONS, codeOf(error.cause) ?? '');
}

/** Whether a file could not be written because there is no room. */
export function isFull(error: unknown): boolean {
  return isUnwritable(error) && ['ENOSPC', 'EDQUOT'].includes(codeOf(error.cause) ?? '');
}
