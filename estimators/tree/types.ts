import type { Backend } from '../../engine/backend/backend.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import type { Stream } from '../../engine/random/rng.ts';
import type { Result } from '../../engine/sampler.ts';

/*
 * Sampling p(x_0) exp(lambda r(x_0)) / Z for a Markov chain x_D, .., x_0 by growing a tree of its states.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | t = D, .., 0 | level: D is a first state, 0 a last one; the root, level D + 1, is no state | |
 * | r(x_0) | reward | [n] |
 * | lambda | inverseTemperature | |
 * | log p - log q | edge: of children that were drawn from q in place of p | [n] |
 * | Z = E_p[exp(lambda r(x_0))] | exp(logNormalizer) | |
 * | M | iterations: one leaf each, new or visited again | |
 */

/** First states of a chain, n rows at once. */
export interface TreeStart {
  /** [n, d], to be filled. */
  readonly x: Float64Array;
  /** [n] zeros; add log p - log q of a state drawn from q in place of p. */
  readonly edge: Float64Array;
  /** [n]: row i draws from `streams[i]` alone. */
  readonly streams: readonly Stream[];
}

/** One step of a chain, n rows at once. */
export interface TreeStep {
  /** [n, d], the states left; not to be changed. */
  readonly x: Float64Array;
  /** [n], D..1: the level that row i leaves. It arrives one below. */
  readonly level: Int32Array;
  /** [n, d], to be filled. */
  readonly next: Float64Array;
  /** [n] zeros; add log p(next | x) - log q(next | x) of a state drawn from q in place of p. */
  readonly edge: Float64Array;
  /** [n]: row i draws from `streams[i]` alone. */
  readonly streams: readonly Stream[];
}

/** All states one step below another, and the logs of their probabilities, which sum to 1. */
export interface TreeChildren {
  /** [k, d] */
  readonly x: Float64Array;
  /** [k] */
  readonly logProbability: Float64Array;
}

/** A chain of D random steps with a reward at its end: a diffusion sampler, a next-token law, unmasking. */
export interface TreeChain {
  /** d, numbers in a state. */
  readonly dimension: number;
  /** D, 1 to 65 534. */
  readonly steps: number;
  /**
   * Levels whose states become nodes, falling, within D..1; default: all. States between them are only passed through. Ends are
   * always nodes. A child of the root is drawn by `init` and goes on to the first of these levels, which may be D itself. Steps
   * below each of them must draw something, on the way to the next: a run is refused in which states move on, and to one and the
   * same child each. A step that leaves states as they are is taken for a chain at its end, and all of its children for copies.
   */
  readonly branches?: readonly number[];
  /** Products of a vector with a Jacobian in one row of a step, for the count of them. Default 0. */
  readonly gradients?: number;
  init(start: TreeStart): void | Promise<void>;
  step(step: TreeStep): void | Promise<void>;
  /** 1 into `out` [n] for states `x` [n, d] at `level` [n] that are at their end already; 0 for others. Default: none. */
  terminal?(x: Float64Array, level: Int32Array, out: Uint8Array): void | Promise<void>;
  /**
   * For each of the states `x` [n, d] at `level` [n], all states one step below; where a level is D + 1, all first states, and its
   * row is zeros. All of them are born before a walk goes on below, and weighed by their probabilities. For 'paper' and 'search'.
   * Asked once for a node, for all that walks in flight have come to, while other walks take their next step.
   */
  children?(x: Float64Array, level: Int32Array): readonly TreeChildren[] | Promise<readonly TreeChildren[]>;
  /** Equal states below a node are one child, by how often it was drawn. For 'paper' and 'search'. Default false. */
  readonly merge?: boolean;
  /** r of last states `x` [n, d] into `out` [n]; -Infinity is allowed, NaN and +Infinity are not. */
  reward(x: Float64Array, out: Float64Array): void | Promise<void>;
}

/** What a chain is opened with. */
export interface TreeChainOpening {
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A chain that holds what must be given back after a run: a denoiser in use, memory, a device. */
export interface TreeChainSource extends Pick<TreeChain, 'dimension' | 'steps' | 'branches' | 'gradients'> {
  /** What tells it from others: a saved run goes on with the same alone. */
  readonly fingerprint: string;
  /** What tells its law from others, whatever the reward: what a saved run that is weighed anew must share. */
  readonly law: string;
  /** Networks it asks, for provenance. */
  readonly networks?: readonly { readonly name?: string; readonly place?: string }[];
  open(opening: TreeChainOpening): Promise<OpenTreeChain>;
}

/** The functions of a chain, for one run. */
export interface OpenTreeChain extends Omit<TreeChain, 'dimension' | 'steps' | 'branches' | 'gradients'> {
  dispose(): void;
}

/** How many children a node may have: factor * count^exponent. */
export interface TreeGrowth {
  readonly factor: number;
  readonly exponent: number;
}

/**
 * - 'ipw': an adaptive tree whose leaves carry importance weights; Z is unbiased.
 * - 'precision': visits by value, children averaged by how well they are known.
 * - 'paper': visits by value, plain means of children, as published. Strongly biased at every budget one can pay.
 * - 'search': visits by upper confidence bounds, for the largest reward.
 * - 'prior': independent runs of the chain, weighted. The yardstick of all others.
 */
export type TreeMode = 'ipw' | 'precision' | 'paper' | 'search' | 'prior';

export interface TreeOptions {
  readonly chain: TreeChain | TreeChainSource;
  /** Default 'ipw'. */
  readonly mode?: TreeMode;
  /** M, of each tree. Default 1000; with `evaluations`, as many as these. */
  readonly iterations?: number;
  /**
   * Steps of the chain that each tree may take, at least D. Paths that were walked before cost less, so how many iterations that
   * makes depends on what was found, and Z of 'ipw' is no longer unbiased; but with `iterations` up to `evaluations` / D, less
   * what is in flight, the bound is never met and the claim stays. Default: no bound.
   */
  readonly evaluations?: number;
  /** R independent trees of one run: their spread is the only honest error of a tree that adapts. Default 1. */
  readonly trees?: number;
  /**
   * Go on from a saved run of another reward, inverse temperature or mode: the rewards of its leaves are computed anew, and all
   * values from them, at no evaluations. Only a run of 'ipw' with the same `births` can go on as 'ipw', and only one of 'prior'
   * as 'prior'. Default false: a run of other options is refused.
   */
  readonly rescore?: boolean;
  /**
   * B, walks in flight, so that each call of the chain gets as many rows. Other batches grow other trees of the same law as long
   * as B is small beside M: stay below M / 64. Of 'ipw', M must be a multiple. Default 1.
   */
  readonly batch?: number;
  /**
   * Nodes that each tree may have, for a bound on its memory. A tree that could pass it with the next iteration stops there, with
   * a warning and outcome `unfinished`; but see `prune`. Default: what the iterations can take, which must fit in memory.
   */
  readonly maxNodes?: number;
  /**
   * In place of a stop at `maxNodes`: share of the weight, say 0.01, in subtrees that may be frozen for room, each one to a leaf
   * that is drawn from it and has the weight of all of its leaves. They are not refined any more, so nothing is off by more than
   * that share; and which they are depends on what was found, so that Z is biased, that of 'ipw' too. Not of 'prior', nor of
   * 'max' backups, nor where children are listed or merged. Default: none.
   */
  readonly prune?: number;
  /**
   * For `run(method, { cluster })`: `moduleModel(import.meta.url, name)` of the module whose export `name` makes this method,
   * () => treeSampler({ ... }). Its trees then grow on the workers, one a shard, with the bits of one machine. The chain
   * travels as code of that module. Default: none, and no cluster.
   */
  readonly module?: ModuleModel;
  /** lambda >= 0. Default 1. */
  readonly inverseTemperature?: number;
  /** Children of a node against its visits; not of 'ipw' and 'prior'. Default { 1, 0.8 }, and { 2, 0.8 } of 'paper'. */
  readonly widening?: TreeGrowth;
  /** Children against iterations, 'ipw' alone: of the root, default { 1, 0.8 }, and of all others, default { 2, 0.3 }. */
  readonly births?: { readonly root?: TreeGrowth; readonly others?: TreeGrowth };
  /**
   * Share of visits that go to a child at random, 0..1. Default 0; 0.1 of 'ipw', where it must be above 0. Of 'precision', some 0.2
   * where tens of plain runs would count in all: values keep less of the luck of a first run. Where few would, it costs more.
   */
  readonly explore?: number;
  /** Of 'search', in units of the reward. Default a tenth of the standard deviation of the rewards so far. */
  readonly exploration?: number;
  /**
   * Of 'search': values of parents are log means of exp(lambda r), which is mass first, or the largest reward below, as lambda
   * without end would have it. Default 'mean'.
   */
  readonly backup?: 'mean' | 'max';
}

/** log of the mean of exp(lambda r) under the chain. */
export interface TreeNormalizer {
  readonly value: number;
  /** By the spread of several trees. Of one tree by its leaves where these are independent ('prior'), and NaN elsewhere. */
  readonly standardError: number;
  /** What exp(value) is for Z. */
  readonly claim: 'unbiased' | 'biased';
  /** Why. */
  readonly reason: string;
}

/** A last state and its reward. */
export interface TreeLeaf {
  /** [d] */
  readonly point: Float64Array;
  readonly reward: number;
}

/** Whether a tree pays, by those of its runs that began at the root: plain runs of the chain. */
export interface TreeAdvice {
  /** How many there are. */
  readonly runs: number;
  /** Their effective size under the target, 1..runs. */
  readonly ess: number;
  /** What serves best: 'prior' where 5 % of plain runs count. Undefined before 5 % of the iterations, and while runs are too few. */
  readonly mode: TreeMode | undefined;
  /** Why. */
  readonly reason: string;
}

/** What the tree looks like; sums over trees where there are several. */
export interface TreeCounts {
  readonly iterations: number;
  /** Products of a vector with a Jacobian, besides evaluations. */
  readonly gradients: number;
  readonly nodes: number;
  readonly leaves: number;
  /** [D + 1] nodes of each level; [0] are the leaves. */
  readonly perLevel: Float64Array;
  /** [D + 2] children born beside others or first, by the level of the node that a visit went on from. */
  readonly expansions: Float64Array;
  readonly rootChildren: number;
  /** Share of the children of the root that were never visited again. */
  readonly stale: number;
  /** Largest share of the weight below one child of a root. */
  readonly heaviest: number;
  /** Nodes given up by `prune`, and the share of the weight in the leaves that stand for them. */
  readonly pruned: number;
  readonly frozen: number;
}

export interface TreeResult extends Result {
  readonly logNormalizer: TreeNormalizer;
  /** [R] of each tree. Their leaves follow each other in `sample`, tree after tree. */
  readonly trees: { readonly logNormalizer: Float64Array };
  /** [n] r of each point of `sample`: log weights at another lambda' are logWeight + (lambda' - lambda) reward. */
  readonly reward: Float64Array;
  /** The largest reward met. */
  readonly best: TreeLeaf;
  /** Where the child of the largest value leads, from the root on: mass first, then height. */
  readonly greedy: TreeLeaf;
  readonly tree: TreeCounts;
  readonly advice: TreeAdvice;
}
