import type { StateArray } from '../array/codec.ts';
import type { Backend } from '../backend/backend.ts';
import type { ModuleModel } from '../model/model.ts';
import type { Rng } from '../random/rng.ts';

/*
 * A run cut into shards. A shard is a pure function of (plan, index), because randomness is addressed: whoever computes
 * it, wherever and however often, gets the same bytes. So a lost worker costs time and never correctness, and a
 * checkpoint is the set of finished shards.
 */

/** A value of a plan: JSON and typed arrays. NaN, infinities and -0 survive. */
export type PlanValue =
  | null
  | boolean
  | number
  | string
  | StateArray
  | readonly PlanValue[]
  | { readonly [name: string]: PlanValue | undefined };

/** How a run is cut: `n` points in ranges of `size` = 1024 * 2^m, or `count` pieces that have numbers only; `pilot` where they are the first of a run that is to be measured. */
export type ShardCut =
  | { readonly kind: 'range'; readonly n: number; readonly size: number }
  | { readonly kind: 'index'; readonly count: number; readonly pilot?: boolean };

/** Everything the answer depends on. Two equal plans are one run. Made by `makePlan`, which checks it. */
export interface Plan<O = PlanValue> {
  readonly protocol: 1;
  /** Name of a work that the worker knows; never code. */
  readonly work: string;
  /** A model that the worker has registered, and the hash that its files must have there. */
  readonly module?: ModuleRef;
  readonly options: O;
  readonly seed: number;
  /** 'A': bits agree everywhere. 'B' (graphics cards): within a tolerance. */
  readonly tier: 'A' | 'B';
  readonly shards: ShardCut;
}

/** A registered model: its name in `ensample.models.json`, the export that is meant, and the hash of its files. */
export interface ModuleRef {
  readonly name: string;
  /** sha256 in hexadecimal, see `hashModule`. */
  readonly hash: string;
  /** Default 'default'. */
  readonly exportName?: string;
}

/** One piece: of a range the points lo .. hi - 1; of an index lo = index, hi = index + 1. */
export interface Shard {
  readonly index: number;
  readonly lo: number;
  readonly hi: number;
}

/** Arrays of a summary by name ([A-Za-z0-9_.-], at most 64 characters). */
export type Fields = Readonly<Record<string, Field>>;

/** `shape` multiplies to the length of `data`. */
export interface Field {
  readonly data: StateArray;
  readonly shape: readonly number[];
}

/** A summary as arrays and back. `decode` may keep the arrays: they are fresh. */
export interface Codec<Y> {
  encode(value: Y): Fields;
  /** @throws when fields are missing or of a wrong type or shape. */
  decode(fields: Fields): Y;
}

/** A kind of work that workers know by name: what a shard computes, and how two summaries become one. */
export interface Work<O, Y> {
  readonly name: string;
  /** Changes whenever a shard's bytes change. */
  readonly version: number;
  /** A pure function of its arguments' values: no clock, no `Math.random`, nothing from outside. */
  compute(shard: Shard, options: O, context: ShardContext): Promise<Y>;
  readonly codec: Codec<Y>;
  /**
   * Left is the summary of lower indices. Pure, and called in the order of the fixed tree only: adjacent pairs, an odd
   * last one carried up.
   */
  merge(left: Y, right: Y): Y;
  /** What a shard of an index is, for messages: 'points 64 .. 127 of 1024'. */
  span?(shard: Shard, options: O): string;
}

/** A work whose options and summary only it knows: how registries hold them. */
export type AnyWork = Work<unknown, unknown>;

/** What a shard gets. */
export interface ShardContext {
  readonly plan: Plan;
  /** The run's generator, of the plan's seed; derive keys by TAG or draw by address. */
  readonly rng: Rng;
  /** Where kernels and model rows of this shard run. */
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** The registered model. @throws ModelError when the plan names none. */
  model(): ModuleModel;
  /** Bytes that the plan refers to, verified against their hash. */
  blob(ref: BlobRef): Promise<Uint8Array>;
  /** Puts bytes into the blob store, where they last as long as the run: for what nobody should have to move. */
  keep(bytes: Uint8Array): Promise<BlobRef>;
  /** Tell of model evaluations, for progress. */
  count(evaluations: number): void;
}

/** Content: bytes are what their sha256 says. */
export interface BlobRef {
  readonly sha256: string;
  readonly bytes: number;
}

/** Contents above 256 kB, in a folder that all share, named by their sha256. */
export interface BlobStore {
  /** Nothing can be put or got. */
  readonly none?: boolean;
  /** Idempotent: equal bytes are stored once. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** @throws ClusterError when it is not there or its hash is wrong (then it is deleted). */
  get(ref: BlobRef): Promise<Uint8Array>;
}

export interface SubmitOptions {
  /** 0 (default) is served first; up to 2^21. */
  readonly priority?: number;
  /** "I no longer want it": `result()` rejects with its reason. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which no more shards are handed out. The answer is then that of the longest prefix of shards
   * that are all there.
   */
  readonly deadline?: number;
  /** Share of the shards (0 .. 1) that is computed twice and compared. */
  readonly audit?: number;
  /** A file in which the coordinator keeps what is merged. */
  readonly checkpoint?: string;
}

export interface ClusterProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly retried: number;
  /** Results that came a second time, with equal bytes. */
  readonly duplicates: number;
  /** Bytes of results so far. */
  readonly bytes: number;
  /** Model evaluations so far. */
  readonly evaluations: number;
  /** Milliseconds of the shards that are done, with their coefficient of variation; NaN before the first. */
  readonly times: { readonly mean: number; readonly least: number; readonly variation: number };
  /** Shards of a pilot, which measures how to cut the run. */
  readonly pilot?: boolean;
  /** Workers (threads) alive. */
  readonly workers: number;
  /** Milliseconds to the end as far as known. */
  readonly eta: number | undefined;
  /** Why nothing is handed out at the moment: 'Redis at redis://127.0.0.1:6379 is full'. */
  readonly waiting?: string;
}

/** Two computations of a shard of tier B whose bytes differ: told, and the first one stays. */
export interface ShardDifference {
  readonly shard: number;
  /** The largest |a - b| / max(1, |a|, |b|) of their numbers; undefined where integers, shapes or NaN differ. */
  readonly largest: number | undefined;
  /** Whether `largest` is at most 1e-5. */
  readonly agrees: boolean;
}

/** What came out: `value` of the shards 0 .. shards - 1. */
export interface ClusterResult<Y> {
  readonly value: Y;
  readonly shards: number;
  /** False when a deadline cut the run short. */
  readonly complete: boolean;
  readonly evaluations: number;
  /** Of tier B, where there are any: shards that were computed twice with other bytes. The first result counts. */
  readonly differences?: readonly ShardDifference[];
}

/** A submitted run; iterating tells its progress and ends with it. */
export interface ClusterRun<Y> extends AsyncIterable<ClusterProgress> {
  /** First 32 hexadecimal digits of the plan's sha256. */
  readonly id: string;
  /** @throws ClusterError, NondeterminismError, ModelError; the signal's reason. */
  result(): Promise<ClusterResult<Y>>;
}

export interface WorkerInfo {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly threads: number;
  /** Classes it serves, as `classKey` names them. */
  readonly classes: readonly string[];
}

/** A run that nobody said how to cut. */
export interface CutRequest {
  readonly work: AnyWork;
  /** What a cut divides. */
  readonly points: number;
  /** The run in about so many shards of equal sizes. A plan of its first shards is a plan as well. */
  plan(shards: number): Plan<unknown>;
  readonly submit: SubmitOptions;
  /** In the place of what is known of these machines: threads, and seconds that a shard's handing out takes. */
  readonly path?: { readonly workers?: number; readonly overhead?: number };
  progress?(progress: ClusterProgress): void;
}

/** How a run is cut, and why, as a sentence. */
export interface Cut {
  readonly shards: number;
  readonly words: string;
}

/** Machines, or threads, that compute shards. */
export interface Cluster {
  /** 'local', 'bullmq', 'files' */
  readonly name: string;
  readonly blobs: BlobStore;
  /** The reference by which workers know the module at `url`. @throws OptionError when it is not registered. */
  moduleOf(url: string, exportName: string): Promise<ModuleRef>;
  /** The same plan again joins the run, or gets its finished shards. */
  submit<O, Y>(work: Work<O, Y>, plan: Plan<O>, options?: SubmitOptions): ClusterRun<Y>;
  /**
   * The cut that was chosen for this run before, or the one that a pilot on these machines finds now, which is kept: so
   * that a run goes on as it was cut. Without this member a run has 128 shards.
   */
  cut?(request: CutRequest): Promise<Cut>;
  workers(): Promise<readonly WorkerInfo[]>;
  close(): Promise<void>;
}
