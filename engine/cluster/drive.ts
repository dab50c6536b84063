import { checkNumber, checkOptionNames } from '../check.ts';
import { EngineError, InputError } from '../errors.ts';
import { sha256 } from './canonical.ts';
import type { RunFolder } from './folder.ts';
import { type Gather, makeGather } from './gather.ts';
import { encodePlan, shardAt } from './plan.ts';
import { poisonShard } from './threads.ts';
import type {
  AnyWork,
  BlobStore,
  ClusterProgress,
  ClusterResult,
  ClusterRun,
  Plan,
  SubmitOptions,
  Work,
} from './types.ts';

/** Starts of a shard before it counts as what kills its threads. */
const MOST_STARTS = 3;

/** What drives a run: who computes, how many at a time, and where finished shards are kept. */
export interface Drive<O, Y> {
  readonly work: Work<O, Y>;
  readonly plan: Plan<O>;
  readonly options: SubmitOptions;
  readonly blobs: BlobStore;
  readonly slots: number;
  readonly folder: RunFolder | undefined;
  /** EngineErrors are final; other errors are worth another attempt. */
  compute(plan: Uint8Array, index: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** Hand out all shards of a plan here and merge what comes back. */
export function driveRun<O, Y>(drive: Drive<O, Y>): ClusterRun<Y> {
  checkSubmit(drive.options);
  const gather = makeGather(drive.work, drive.plan, drive.blobs);
  const feed = makeFeed();
  const result = handOut(drive, gather, () => feed.push(gather.progress(drive.slots))).finally(feed.end);
  result.catch(() => {});
  return { id: gather.id, result: () => result, [Symbol.asyncIterator]: feed.iterate };
}

async function handOut<O, Y>(
  drive: Drive<O, Y>,
  gather: Gather<Y>,
  tell: () => void,
): Promise<ClusterResult<Y>> {
  const { options, folder, plan, slots } = drive;
  const { signal, deadline = Infinity, audit = 0 } = options;
  signal?.throwIfAborted();
  const kept = new Map<number, Uint8Array>();
  await resume(folder, gather);
  tell();
  const start = performance.now();
  const inner = new AbortController();
  const stop = (): void => inner.abort(signal?.reason);
  signal?.addEventListener('abort', stop);
  const bytes = encodePlan(plan);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < gather.total; index = next++) {
      if (gather.fold.has(index)) continue;
      if (performance.now() - start > deadline) return;
      const record = await computed(drive, gather, bytes, index, inner.signal);
      if (folder === undefined && deadline < Infinity) kept.set(index, record);
      await take(gather, folder, index, record);
      if (isAudited(gather.id, index, audit))
        await gather.offer(index, await computed(drive, gather, bytes, index, inner.signal), record);
      tell();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(slots, gather.total) }, lane));
    signal?.throwIfAborted();
    return await gather.result((index) => kept.get(index) ?? folder?.get(index));
  } catch (error) {
    inner.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether a shard is one of the share that is computed twice: by its name, so that a resumed run chooses the same. */
export function isAudited(id: string, index: number, share: number): boolean {
  return share > 0 && Number.parseInt(sha256(`${id}:${index}`).slice(0, 8), 16) < share * 2 ** 32;
}

/** Shards that an earlier coordinator left; what cannot be used is computed again. */
async function resume<Y>(folder: RunFolder | undefined, gather: Gather<Y>): Promise<void> {
  for (const index of folder?.indices() ?? []) {
    const record = index < gather.total ? folder?.get(index) : undefined;
    if (record !== undefined) await offerKept(gather, folder!, index, record);
  }
}

/** A record of the folder; one that is damaged is deleted and computed again: false. */
export async function offerKept<Y>(
  gather: Gather<Y>,
  folder: RunFolder,
  index: number,
  record: Uint8Array,
): Promise<boolean> {
  try {
    await gather.offer(index, record);
    return true;
  } catch (error) {
    const lost = error instanceof InputError || (error instanceof EngineError && error.code === 'cluster');
    if (!lost) throw error;
    folder.drop(index);
    return false;
  }
}

/** The first result stays; a second one is compared with it. */
async function take<Y>(
  gather: Gather<Y>,
  folder: RunFolder | undefined,
  index: number,
  record: Uint8Array,
): Promise<void> {
  const there = folder?.put(index, record) === 'taken' ? folder.get(index) : undefined;
  if (there !== undefined) await gather.offer(index, there);
  await gather.offer(index, record, there);
}

async function computed<O, Y>(
  { compute, work, plan, folder }: Drive<O, Y>,
  gather: Gather<Y>,
  bytes: Uint8Array,
  index: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let starts = 1; ; starts++) {
    try {
      return await compute(bytes, index, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      gather.failed++;
      if (error instanceof EngineError) throw error;
      const words = error instanceof Error ? error.message : String(error);
      if (starts === MOST_STARTS) {
        const place = folder?.path ?? '<run folder>';
        throw poisonShard(index, spanOf(work, plan, index), starts, words, repeatShard(place, index, plan));
      }
      gather.retried++;
    }
  }
}

/** 'points 2048 .. 4095 of 10000' */
export function spanOf(work: Pick<AnyWork, 'span'>, plan: Plan<unknown>, index: number): string {
  const shard = shardAt(plan, index);
  const { shards, options } = plan;
  if (shards.kind === 'range') return `points ${shard.lo} .. ${shard.hi - 1} of ${shards.n}`;
  return work.span?.(shard, options) ?? `number ${index} of its plan`;
}

/** The command that computes one shard of a folder here. */
export function repeatShard(
  folder: string,
  index: number,
  { module }: Pick<Plan<unknown>, 'module'>,
): string {
  return `ensample shard ${folder}${module === undefined ? '' : ' --models DIR'} --index ${index}`;
}

const SUBMIT: readonly (keyof SubmitOptions)[] = ['priority', 'signal', 'deadline', 'audit', 'checkpoint'];

/** @throws OptionError for options that cannot be used. */
export function checkSubmit(options: SubmitOptions): void {
  checkOptionNames('submit', options, SUBMIT);
  const { audit = 0, deadline = 1 } = options;
  checkNumber('submit', 'audit', audit, (x) => x >= 0 && x <= 1, 'a share from 0 to 1');
  checkNumber('submit', 'deadline', deadline, (x) => x > 0, 'milliseconds above 0');
}

/** The latest progress for whoever asks, until the end. */
export interface Feed {
  push(progress: ClusterProgress): void;
  end(): void;
  iterate(): AsyncIterator<ClusterProgress>;
}

/** Nobody is told of what was before the last: progress is a state, not a list. */
export function makeFeed(): Feed {
  let last: ClusterProgress | undefined;
  let count = 0;
  let ended = false;
  let wake: (() => void)[] = [];
  const rouse = (): void => {
    for (const go of wake) go();
    wake = [];
  };
  return {
    push(progress) {
      last = progress;
      count++;
      rouse();
    },
    end() {
      ended = true;
      rouse();
    },
    iterate() {
      let told = 0;
      return {
        async next() {
          while (told === count && !ended) await new Promise<void>((resolve) => wake.push(resolve));
          if (told === count || last === undefined) return { done: true, value: undefined };
          told = count;
          return { done: false, value: last };
        },
      };
    },
  };
}
