import { ClusterError } from './cluster/cluster-error.ts';
import type { OnClusterOptions } from './cluster/on-cluster.ts';
import { OutOfRows } from './cluster/out-of-rows.ts';
import { checkModule, finished, SHORT_ROUND, shortRounds } from './cluster/travels.ts';
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
   * What `cut` divides into shards of equal sizes, shard i the i-th of them, so that a plan of the first shards is a plan
   * as well and a pilot can find how many there should be. Absent where the cut is not free: one island, one tree.
   */
  readonly points?: number;
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
   * after the last. A round that a deadline cut short is the last. `kept` is what the answer needs of rounds before the last.
   */
  next?(
    merged: ClusterResult<unknown>,
    options: unknown,
    tools: { readonly rng: Rng; readonly blobs: BlobStore; readonly kept: unknown },
  ): Promise<{ readonly options: unknown; readonly shards: ShardCut; readonly kept?: unknown } | undefined>;
  /**
   * The answer; the same bits as on one machine. `merged.shards` are there when a deadline cut the run short.
   * @param kept of the last round that gave it.
   */
  answer(merged: ClusterResult<unknown>, ctx: Context, ending: Ending, kept?: unknown): Promise<R>;
}

/** A method whose models a cluster can evaluate, batch after batch; it waits for each. */
export interface ModelMethod<S, R extends Result = Result> extends Sampler<S, R> {
  /**
   * The same method with its models there; what `run(method, { cluster })` takes where there are no shards.
   * @throws OptionError for models that are not in a module.
   */
  onCluster(cluster: Cluster, options?: OnClusterOptions): Sampler<S, R>;
}

/** A method with or without shards, and models that a cluster could evaluate. */
export interface MaybeSharded<R extends Result = Result, S = unknown>
  extends Partial<Pick<ModelMethod<S, R>, 'onCluster'>> {
  readonly name: string;
  readonly shards?: Shards<R>;
}

/** What `run` may be told about a cluster. */
export interface ClusterOptions extends Omit<SubmitOptions, 'signal' | 'deadline'> {
  /** About so many shards. Default: what a pilot on the cluster finds best, which is kept for the same call again. */
  readonly shards?: number;
  progress?(progress: ClusterProgress): void;
  /** What the planner says: how it cuts the run and why, and where one machine would be faster. */
  notice?(notice: ClusterNotice): void;
}

/** A sentence of the planner, and the number of shards that it chose. */
export interface ClusterNotice {
  readonly words: string;
  readonly shards?: number;
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

/** The merged summary of a method's last round, what it kept of those before, and what the planner said. */
export interface Submitted {
  readonly merged: ClusterResult<unknown>;
  readonly kept: unknown;
  readonly notes: readonly string[];
}

/**
 * Submit a method and wait for its merged summary, and what the planner said.
 * @throws OptionError when it has no shards or its model cannot travel; what the cluster throws.
 */
export async function submitSharded<R extends Result>(
  method: MaybeSharded<R>,
  cluster: Cluster,
  seed: number,
  options: ClusterOptions & SubmitOptions,
): Promise<Submitted> {
  const { shards: _wanted, progress, notice, deadline, ...submit } = options;
  const shards = shardsOf(method);
  const began = performance.now();
  const notes: string[] = [];
  const say = (words: string, chosen?: number): void => {
    notes.push(words);
    notice?.({ words, ...(chosen === undefined ? {} : { shards: chosen }) });
  };
  const plan = await cutPlan(method, cluster, seed, options, say);
  const tools = { rng: rngFromSeed(seed), blobs: cluster.blobs };
  let kept: unknown;
  for (let round: Plan<unknown> = plan; ; ) {
    const start = performance.now();
    // What a pilot and earlier rounds took is gone.
    const left = deadline === undefined ? {} : { deadline: Math.max(1, deadline - (start - began)) };
    const merged = await finished(cluster.submit(shards.work, round, { ...submit, ...left }), progress);
    const took = performance.now() - start;
    if (merged.differences !== undefined) say(differenceWords(merged.differences));
    const more = merged.complete ? await shards.next?.(merged, round.options, { ...tools, kept }) : undefined;
    if (more === undefined) return { merged, kept, notes };
    // No time for another round: what there is, is a part.
    if (deadline !== undefined && performance.now() - began >= deadline)
      return { merged: { ...merged, complete: false }, kept, notes };
    if (round === plan && took < SHORT_ROUND && cluster.name !== 'local') say(shortRounds(took));
    kept = more.kept ?? kept;
    round = { ...round, options: more.options, shards: more.shards };
  }
}

function differenceWords(differences: NonNullable<ClusterResult<unknown>['differences']>): string {
  const off = differences.filter(({ agrees }) => !agrees).map(({ shard }) => shard);
  const rest = off.length === 0 ? 'all within' : `shards ${off.slice(0, 10).join(', ')} beyond`;
  return `${differences.length} shards that were computed twice have other bytes each time, ${rest} the tolerance of tier B; the first results count.`;
}

/** The plan, cut as asked or as a pilot finds best. */
async function cutPlan<R extends Result>(
  method: MaybeSharded<R>,
  cluster: Cluster,
  seed: number,
  { shards: wanted, progress, notice: _said, ...submit }: ClusterOptions & SubmitOptions,
  say: (words: string, chosen?: number) => void,
): Promise<Plan<unknown>> {
  const { work, points, cut } = shardsOf(method);
  const plan = await planSharded(method, cluster, seed, wanted);
  if (wanted !== undefined || points === undefined || cluster.cut === undefined) return plan;
  const chosen = await cluster.cut({
    ...{ work, points, submit, plan: (shards: number) => ({ ...plan, ...cut(shards) }) },
    ...(progress === undefined ? {} : { progress }),
  });
  say(`Cut into ${chosen.words}.`, chosen.shards);
  return { ...plan, ...cut(chosen.shards) };
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
  const { url, exportName } = checkModule(where, model);
  return cluster.moduleOf(url, exportName);
}

function tooEarly(where: string): ClusterError {
  const found = 'the deadline came before the first step of the method was evaluated';
  return new ClusterError({ where, found, expected: 'more time', fix: 'Take a longer budget.' });
}

/** The error of a method that a cluster cannot help. */
export function noShards(name: string): OptionError {
  return new OptionError({
    where: 'run',
    option: 'cluster',
    value: name,
    found: `${name} is not cut into shards, and has no model that others could evaluate`,
    expected: 'a method that is or has, such as sobolIndices, expectations or islands',
    fix: 'Run it here, or run independent replicates of it with seeds of their own.',
  });
}
