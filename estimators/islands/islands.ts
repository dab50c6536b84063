import { decodeState, encodeState } from '../../engine/array/codec.ts';
import {
  checkCount,
  checkFlag,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  show,
} from '../../engine/check.ts';
import { arraysCodec } from '../../engine/cluster/summaries.ts';
import type { BlobRef, Shard, ShardContext, Work } from '../../engine/cluster/types.ts';
import { OptionError } from '../../engine/errors.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import type { Shards } from '../../engine/sharded.ts';
import type { Source } from '../../engine/types.ts';
import { VERSION } from '../../engine/version.ts';
import { type ExchangeRule, nextRound } from './exchange.ts';
import { computeIsland, type IslandRows, makerOf, type Stretch } from './island.ts';
import { islandsAnswer, mergeIslands } from './merge.ts';
import type { IslandMaker, IslandsOptions, IslandsResult } from './types.ts';

/*
 * R independent runs of an SMC method as one, here or on a cluster: islands.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | R | islands | |
 * | log Z_k | islands.logNormalizer | [R] |
 * | v_k | islands.weight | [R] |
 * | m_k | islands.mean | [R, k] |
 * | L_k | log Z_k since the last exchange | [R] |
 *
 * Random numbers of island k come from child k of the run's generator, those of exchanges from the run's own.
 * Departure from the butterfly of papers: whether to go on with stages is decided by the ESS of all islands, which are at the same checkpoint anyway.
 */
const SOURCES: readonly Source[] = [
  {
    authors: 'Verge, C., Dubarry, C., Del Moral, P. & Moulines, E.',
    year: 2015,
    title: 'On parallel implementation of sequential Monte Carlo methods: the island particle model',
    reference: 'Statistics and Computing 25(2), 243-260',
  },
  {
    authors: 'Crisan, D., Miguez, J. & Rios-Munoz, G.',
    year: 2018,
    title: 'On the performance of parallelisation schemes for particle filtering',
    reference: 'EURASIP Journal on Advances in Signal Processing 2018, 31',
  },
  {
    authors: 'Whiteley, N., Lee, A. & Heine, K.',
    year: 2016,
    title: 'On the role of interaction in sequential Monte Carlo algorithms',
    reference: 'Bernoulli 22(1), 494-529',
  },
];

const WHERE = 'islands';
const MOST_DRAWS = 10_000;

/** What was computed so far, and what the next step does. */
export interface IslandsState {
  rows: IslandRows | undefined;
  /** With exchanges: rounds made; else islands made. */
  made: number;
  ended: boolean;
  readonly key: readonly [number, number];
  readonly make: IslandMaker;
}

/** Rows of islands as shards compute them. */
export const islandRows: Work<IslandPlan, IslandRows> = {
  name: 'smc-island',
  version: 3,
  async compute({ index }: Shard, plan: IslandPlan, context: ShardContext) {
    const { from } = plan;
    const state = from.length === 0 ? undefined : await context.blob(from[index]!);
    const make = await makerOf(context.model());
    const row = await computeIsland(
      make,
      index,
      { ...stretchOf(plan, index), from: state, keep: plan.keep === true ? context.keep : undefined },
      context,
      ON_THE_WAY,
    );
    context.count(row.counts[1]!);
    return row;
  },
  codec: arraysCodec<IslandRows & Record<string, Float64Array | Uint8Array>>({
    ...{ logNormalizer: Float64Array, base: Float64Array, mean: Float64Array, points: Float64Array },
    ...{ counts: Float64Array, flags: Uint8Array, states: Uint8Array, kept: Uint8Array },
    ...{ shared: Uint8Array },
  }) as Work<IslandPlan, IslandRows>['codec'],
  merge: mergeIslands,
};

/** A round of islands as it travels. */
interface IslandPlan {
  readonly draws: number;
  /** Steps of a round; null to the end. */
  readonly steps: number | null;
  readonly round: number;
  /** [R] states to go on from; empty in the first round. */
  readonly from: readonly BlobRef[];
  readonly base: readonly number[];
  readonly booked: number;
  readonly exchanges: number;
  readonly moved: number;
  /** Whether all particles are kept. */
  readonly keep?: true;
}

function stretchOf(plan: IslandPlan, k: number): Omit<Stretch, 'from'> {
  const { steps, draws, base, booked, exchanges, moved } = plan;
  return { steps: steps ?? undefined, draws, base: base[k] ?? 0, booked, exchanges, moved };
}

/** What an island's answer says of its own ending is not kept. */
const ON_THE_WAY: Ending = {
  outcome: { kind: 'unfinished' },
  provenance: { seed: 0, backend: '', adapter: '', precision: 'float64', version: VERSION, notes: [] },
};

/**
 * R islands of an SMC method: log Z by the mean of their Z_k (unbiased where each is), means weighted by Z_k. The same bits
 * here and with `run(method, { cluster })`, for which `method` must be in a module.
 * @throws OptionError for options that cannot be used; when running ModelError for a module without such an export.
 */
export function islands(
  options: IslandsOptions,
): Sampler<IslandsState, IslandsResult> & { readonly shards: Shards<IslandsResult> } {
  const checked = checkOptions(options);
  const { method, islands: R, weights, every, rule, first } = checked;
  const plan = JSON.stringify([R, weights, every, rule, first]);
  const at = (state: IslandsState): Step<IslandsState> => {
    const { diagnostics } = answerOf(state, ON_THE_WAY);
    return { state, done: state.ended, info: diagnostics };
  };
  const answerOf = (state: IslandsState, ending: Ending): IslandsResult =>
    islandsAnswer(state.rows!, weights, ending, {
      done: state.made,
      // When islands come to their ends is known when they have.
      total: every === undefined ? R : state.ended ? state.made : undefined,
    });
  const step = async (state: IslandsState, ctx: Context): Promise<Step<IslandsState>> => {
    if (state.ended) return at(state);
    if (every === undefined) await oneIsland(state, first, R, ctx);
    else await oneRound(state, first, { R, rule }, ctx);
    return at(state);
  };
  return {
    name: 'islands',
    sources: SOURCES,
    async init(ctx) {
      // A cluster comes by `shards`, and never here.
      if (first.keep === true) throw noPlace();
      const make = await makerOf(method);
      return step({ rows: undefined, made: 0, ended: false, key: ctx.rng.key, make }, ctx);
    },
    step,
    result: async (state, ending) => answerOf(state, ending),
    async snapshot({ rows, made, ended, key }) {
      return encodeState({ plan, key, made, ended }, { ...rows! });
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as { plan?: string; key?: [number, number]; made: number; ended: boolean };
      checkSavedRun(WHERE, saved, { plan, key: ctx.rng.key });
      const { made, ended } = saved;
      // What was written above, by the plan that was checked.
      const rows = { ...arrays } as unknown as IslandRows;
      return at({ rows, made, ended, key: ctx.rng.key, make: await makerOf(method) });
    },
    dispose() {},
    shards: shardsOf(checked),
  };
}

interface Checked {
  readonly method: IslandsOptions['method'];
  readonly islands: number;
  readonly weights: 'evidence' | 'uniform';
  readonly every: number | undefined;
  readonly rule: ExchangeRule;
  readonly first: IslandPlan;
}

function checkOptions(options: IslandsOptions): Checked {
  const names = ['method', 'islands', 'weights', 'exchange', 'draws', 'keepParticles'] as const;
  checkOptionNames(WHERE, options, names);
  const { method, weights = 'evidence', exchange, draws = 1024, keepParticles = false } = options;
  if (typeof method !== 'function' && method?.kind !== 'module') throw noMaker(method);
  const R = checkCount(WHERE, 'islands', options.islands, { min: 1, max: 1_000_000 });
  checkOneOf(WHERE, 'weights', weights, ['evidence', 'uniform']);
  checkCount(WHERE, 'draws', draws, { min: 0, max: MOST_DRAWS });
  const { every, ...rule } = checkExchange(exchange, R);
  if (weights === 'uniform' && exchange !== undefined) throw notUniform();
  const shared = { round: 0, from: [], base: [], booked: 0, exchanges: 0, moved: 0 };
  checkFlag(WHERE, 'keepParticles', keepParticles);
  const keep = keepParticles ? { keep: true as const } : {};
  const first = { draws: Math.ceil(draws / R), steps: every ?? null, ...shared, ...keep };
  return { method, islands: R, weights, every, rule, first };
}

function checkExchange(
  exchange: IslandsOptions['exchange'],
  R: number,
): ExchangeRule & { readonly every: number | undefined } {
  if (exchange === undefined) return { every: undefined, threshold: 0, scheme: 'systematic', stages: 0 };
  const where = `${WHERE}: exchange`;
  checkOptionNames(where, exchange, ['every', 'threshold', 'scheme', 'stages']);
  const { every, threshold = 0.5, scheme = 'systematic', stages } = exchange;
  checkCount(WHERE, 'exchange.every', every, { min: 1 });
  checkNumber(WHERE, 'exchange.threshold', threshold, (x) => x >= 0 && x <= 1, 'a number in [0, 1]');
  checkOneOf(WHERE, 'exchange.scheme', scheme, ['systematic', 'butterfly']);
  if (stages !== undefined) checkCount(WHERE, 'exchange.stages', stages, { min: 1 });
  if (scheme === 'butterfly' && (R < 2 || !Number.isInteger(Math.log2(R))))
    throw badExchange('islands', R, scheme, '2, 4, 8 or another power of two, because it pairs islands');
  if (scheme !== 'butterfly' && stages !== undefined)
    throw badExchange('exchange.stages', stages, scheme, "stages with scheme 'butterfly' only");
  return { every, threshold, scheme, stages: stages ?? Math.log2(R) };
}

function badExchange(option: string, value: number, scheme: string, expected: string): OptionError {
  const found = `option \`${option}\` is ${value} with scheme '${scheme}'`;
  return new OptionError({ where: WHERE, option, value, found, expected });
}

function noPlace(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'keepParticles',
    value: true,
    found: 'option `keepParticles` is true, and there is no cluster to keep them',
    expected: 'run(method, { cluster }), or false',
    fix: 'On one machine `sample` holds up to 10 000 draws of them.',
  });
}

function noMaker(value: unknown): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'method',
    value,
    found: `option \`method\` is ${show(value)}`,
    expected: 'a function that makes a method, or moduleModel(url, name) of one',
    fix: 'For example method: () => particleFilter({ ... }).',
  });
}

function notUniform(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'weights',
    value: 'uniform',
    found: "option `weights` is 'uniform' with `exchange`",
    expected:
      "'evidence': after an exchange the weights are part of the answer, and the plain mean is biased",
  });
}

/** The next island, to its end. */
async function oneIsland(state: IslandsState, plan: IslandPlan, R: number, ctx: Context): Promise<void> {
  const row = await computeIsland(state.make, state.made, stretchOf(plan, state.made), ctx, ON_THE_WAY);
  state.rows = state.rows === undefined ? row : mergeIslands(state.rows, row);
  state.ended = ++state.made === R;
}

/** All islands, to the next exchange. */
async function oneRound(
  state: IslandsState,
  first: IslandPlan,
  { R, rule }: { readonly R: number; readonly rule: ExchangeRule },
  ctx: Context,
): Promise<void> {
  const next = state.rows === undefined ? undefined : nextRound(state.rows, rule, state.made, ctx.rng);
  let rows: IslandRows | undefined;
  for (let k = 0; k < R; k++) {
    const stretch = { ...stretchOf({ ...first, ...next }, k), from: next?.state(k) };
    const row = await computeIsland(state.make, k, stretch, ctx, ON_THE_WAY);
    rows = rows === undefined ? row : mergeIslands(rows, row);
  }
  state.rows = rows;
  state.made++;
  state.ended = nextRound(rows!, rule, state.made, ctx.rng) === undefined;
}

/**
 * Islands on a cluster, one a shard; with exchanges one plan a round, states going through the blob store. A round begins
 * when all islands of the last one are there, by either scheme: a butterfly bounds whose states an island needs, and
 * avoids no barrier here.
 */
function shardsOf({ method, islands: R, weights, every, rule, first }: Checked): Shards<IslandsResult> {
  const shards = { kind: 'index', count: R } as const;
  /** What a run here would tell. @param before whole rounds before the last one. */
  const progress = (before: number, made: number, complete: boolean): Pick<Info, 'done' | 'total'> => {
    if (every === undefined) return { done: made, total: R };
    const done = before + (made === R ? 1 : 0);
    return { done, total: complete ? done : undefined };
  };
  return {
    work: islandRows as Shards['work'],
    ...(typeof method === 'function' ? { model: () => {} } : { model: method }),
    cut: () => ({ options: first, shards }),
    async next({ value }, plan, { rng, blobs }) {
      const { round, steps } = plan as IslandPlan;
      if (steps === null) return undefined;
      const next = nextRound(value as IslandRows, rule, round + 1, rng);
      if (next === undefined) return undefined;
      const { base, booked, exchanges, moved } = next;
      const from: BlobRef[] = [];
      for (let k = 0; k < R; k++) from.push(await blobs.put(next.state(k)));
      const options = { ...first, round: round + 1, from, base, booked, exchanges, moved };
      return { options, shards, kept: round + 1 };
    },
    async answer({ value, shards: made, complete }, _ctx, ending, rounds) {
      const before = (rounds as number | undefined) ?? 0;
      return islandsAnswer(value as IslandRows, weights, ending, progress(before, made, complete));
    },
  };
}
