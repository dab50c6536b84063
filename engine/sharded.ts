import { ClusterError } from './cluster/cluster-error.ts';
import { OutOfRows } from './cluster/out-of-rows.ts';
import type {
  AnyWork,
  BlobStore,
  Cluster,
  ClusterProgress,
  ClusterResult,
  Plan,
  ShardCut,
  SubmitOptions,
} from './cluster/types.ts';
import { OptionError } from './errors.ts';
import type { ModelLike } from './model/model.ts';
import { type Rng, rngFromSeed } from './random/rng.ts';
import type { Context, Ending, Result, Sampler } from './sampler.ts';

/** How a method is cut into shards: the optional member `shards` of a method that a cluster can run. */
export interface Shards<R extends Result = Result> {
  /** Registered in the table of `ensample/cluster`. */
  readonly work: AnyWork;
  /** The model that shards evaluate: it must be `moduleModel(url)`. Absent where shards evaluate none. */
  readonly model?: ModelLike;
  /**
   * What the plan says, a function of the method's options alone.
   * @param shards about so many, where the method leaves the choice; the answer does not depend on it unless it says so.
   * @throws OptionError for options that cannot travel.
   */
  cut(shards: number | undefined): {
    readonly options: unknown;
    readonly shards: ShardCut;
    readonly tier?: 'A' | 'B';
  };
  /**
   * A further round of a method with barriers, from the merged summary and the options of the round before; undefined
   * after the last. A round that a deadline cut short is the last.
   */
  next?(
    merged: ClusterResult<unknown>,
    options: unknown,
    tools: { readonly rng: Rng; readonly blobs: BlobStore },
  ): Promise<{ readonly options: unknown; readonly shards: ShardCut } | undefined>;
  /** The answer; the same bits as on one machine. `merged.shards` are there when a deadline cut the run short. */
  answer(merged: ClusterResult<unknown>, ctx: Context, ending: Ending): Promise<R>;
}

/** A method with or without shards. */
export interface MaybeSharded<R extends Result = Result> {
  readonly name: string;
  readonly shards?: Shards<R>;
}

/** What `run` may be told about a cluster. */
export interface ClusterOptions extends Omit<SubmitOptions, 'signal' | 'deadline'> {
  /** About so many shards. Default: the method's choice. */
  readonly shards?: number;
  progress?(progress: ClusterProgress): void;
}

function shardsOf<R extends Result>({ name, shards }: MaybeSharded<R>): Shards<R> {
  if (shards === undefined) throw noShards(name);
  return shards;
}

/**
 * The plan of a method.
 * @throws OptionError when it has no shards or its model cannot travel.
 */
export async function planSharded<R extends Result>(
  method: MaybeSharded<R>,
  cluster: Pick<Cluster, 'moduleOf'>,
  seed: number,
  wanted?: number,
): Promise<Plan<unknown>> {
  const { work, model, cut } = shardsOf(method);
  const cuts = cut(wanted);
  const module = await moduleOf(method.name, model, cluster);
  const known = module === undefined ? {} : { module };
  return { protocol: 1, work: work.name, ...known, seed, tier: 'A', ...cuts };
}

/**
 * Submit a method and wait for its merged summary.
 * @throws OptionError when it has no shards or its model cannot travel; what the cluster throws.
 */
export async function submitSharded<R extends Result>(
  method: MaybeSharded<R>,
  cluster: Cluster,
  seed: number,
  { shards: wanted, progress, ...submit }: ClusterOptions & SubmitOptions,
): Promise<ClusterResult<unknown>> {
  const shards = shardsOf(method);
  const plan = await planSharded(method, cluster, seed, wanted);
  const tools = { rng: rngFromSeed(seed), blobs: cluster.blobs };
  for (let round: Plan<unknown> = plan; ; ) {
    const run = cluster.submit(shards.work, round, submit);
    // Awaited below; a rejection while progress is told must not count as unhandled.
    const result = run.result();
    result.catch(() => {});
    if (progress !== undefined) for await (const at of run) progress(at);
    const merged = await result;
    const more = merged.complete ? await shards.next?.(merged, round.options, tools) : undefined;
    if (more === undefined) return merged;
    round = { ...round, ...more };
  }
}

/**
 * The answer of a method whose model has its rows recorded: as `run` would give it, or of as many whole steps as there
 * are rows for.
 */
export async function drainRecorded<S, R extends Result>(
  method: Sampler<S, R>,
  ctx: Context,
  ending: Ending,
): Promise<R> {
  let at = await method.init(ctx).catch((error: unknown) => {
    throw error instanceof OutOfRows ? tooEarly(method.name) : error;
  });
  try {
    while (!at.done) {
      ctx.signal.throwIfAborted();
      at = await method.step(at.state, ctx);
    }
  } catch (error) {
    if (!(error instanceof OutOfRows)) {
      method.dispose(at.state);
      throw error;
    }
  }
  try {
    return await method.result(at.state, ending);
  } finally {
    method.dispose(at.state);
  }
}

async function moduleOf(
  where: string,
  model: ModelLike | undefined,
  cluster: Pick<Cluster, 'moduleOf'>,
): Promise<Plan['module'] | undefined> {
  if (model === undefined) return undefined;
  if (typeof model !== 'function' && model.kind === 'module')
    return cluster.moduleOf(model.url, model.exportName);
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: `option \`model\` is ${typeof model !== 'function' && model.kind === 'remote' ? 'a connection' : 'a function'}, which cannot travel to other machines`,
    expected: 'a model in a module: moduleModel(url)',
    fix: "Put it into a file and pass moduleModel(new URL('./model.js', import.meta.url)).",
  });
}

function tooEarly(where: string): ClusterError {
  const found = 'the deadline came before the first step of the method was evaluated';
  return new ClusterError({ where, found, expected: 'more time', fix: 'Take a longer budget.' });
}

function noShards(name: string): OptionError {
  return new OptionError({
    where: 'run',
    option: 'cluster',
    value: name,
    found: `${name} is not cut into shards`,
    expected: 'a method that is, such as sobolIndices or monteCarlo',
    fix: 'Run it here, or run independent replicates of it with seeds of their own.',
  });
}
