import type { Arena } from '../../engine/array/arena.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { ValueError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import type { BatchFn } from '../../engine/types.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import { WHERE } from './level-law.ts';
import type { ChainPlan } from './plan.ts';
import type { Chains, LevelWork } from './state.ts';

/*
 * sigma given x, p(sigma_g given x) = w_g p_g(x) / sum: a draw by one inverted uniform, or the most probable level. What is
 * known of p_g(x) up to a factor that does not depend on g:
 *
 *   known        log p_g(x) of a mixture or of points
 *   classifier   log q(g given x) of a model that was trained with equal shares of the levels
 *   densities    log q_t(alpha x) + d log alpha of the denoiser itself, at G evaluations
 *   heat         differences only, by d log p / d log sigma = sigma^2 (div s + |s|^2), by trapezoids between levels. A level is
 *                drawn among `window` neighbours, a block that holds the present level at a place drawn evenly.
 */

/** Rows of one call of a classifier or denoiser for all levels are about this many numbers. */
const BLOCK = 2 ** 18;

export function openLevelWork({ source, chains: n, levels, denoiser }: ChainPlan, arena: Arena): LevelWork {
  const { kind } = source;
  const d = denoiser.dimension;
  const width = kind === 'heat' ? source.window : levels.length;
  const calls = kind === 'densities' || kind === 'heat';
  const rows =
    kind === 'known' ? 1 : Math.min(n, Math.max(1, Math.floor(BLOCK / (calls ? width * d : width))));
  const each = rows * width;
  return {
    rows,
    draws: arena.f64(kind === 'heat' ? 2 * n : n),
    values: arena.f64(each),
    points: arena.f64(calls ? each * d : 0),
    times: arena.f64(calls ? each : 0),
    score: arena.f64(kind === 'heat' ? each * d : 0),
    direction: arena.f64(kind === 'heat' && denoiser.divergence === undefined ? each * d : 0),
  };
}

/** Draw the levels of all chains given their x; in 'published' mode take the most probable. */
export async function drawLevels(
  plan: ChainPlan,
  chains: Chains,
  denoiser: OpenDenoiser,
  cycle: number,
  ctx: Context,
): Promise<void> {
  const { source, chains: n } = plan;
  const { rows, draws } = chains.work.levels;
  const { rng, backend } = ctx;
  const address = (sub: number) => [...rng.key, plan.first, cycle, channel(PURPOSE.noiseLevel, sub)] as const;
  await backend.dispatch('uniform', [draws, 1, ...address(0)], n);
  if (source.kind === 'heat') await backend.dispatch('uniform', [draws.subarray(n), 1, ...address(1)], n);
  for (let lo = 0; lo < n; lo += rows) {
    const count = Math.min(rows, n - lo);
    await drawBlock({ plan, chains, denoiser, lo, count, cycle, ctx });
    const { turn } = chains.work;
    if (turn.due()) await turn.pause(ctx.signal);
  }
}

/** Chains lo..lo + count - 1, whose levels are drawn in one go. */
interface Block {
  readonly plan: ChainPlan;
  readonly chains: Chains;
  readonly denoiser: OpenDenoiser;
  readonly lo: number;
  readonly count: number;
  readonly cycle: number;
  readonly ctx: Context;
}

async function drawBlock(block: Block): Promise<void> {
  const { plan, chains, denoiser, lo, count } = block;
  const { source, levels } = plan;
  const { level, x, work } = chains;
  const { values, draws } = work.levels;
  const d = denoiser.dimension;
  const G = levels.length;
  if (source.kind === 'heat') return drawInWindows(block);
  if (source.kind === 'known') source.law.logDensities(x, lo * d, values, 0);
  else if (source.kind === 'classifier')
    await classify(
      source.logProbability,
      x.subarray(lo * d, (lo + count) * d),
      count,
      d,
      G,
      values,
      WHERE,
      lo,
    );
  else await densities(block);
  for (let i = 0; i < count; i++) level[lo + i] = choose(plan, 0, values, i * G, G, draws[lo + i]!);
}

/** Logarithms this far below the largest are below its last digit. */
const NEGLIGIBLE = -50;

/** A level from `first` on, of `width` log densities at values[at..]. */
function choose(
  { mode, logPrior }: ChainPlan,
  first: number,
  values: Float64Array,
  at: number,
  width: number,
  u: number,
): number {
  let [best, most] = [0, -Infinity];
  for (let k = 0; k < width; k++) {
    const value = values[at + k]! + logPrior[first + k]!;
    values[at + k] = value;
    if (value > most) [best, most] = [k, value];
  }
  return first + (mode === 'published' ? best : drawn(values, at, width, most, best, u));
}

/** Invert a uniform in shares exp(value) / sum. */
function drawn(
  values: Float64Array,
  at: number,
  width: number,
  most: number,
  best: number,
  u: number,
): number {
  let total = 0;
  for (let k = 0; k < width; k++) {
    const gap = values[at + k]! - most;
    total += gap > NEGLIGIBLE ? exp(gap) : 0;
    values[at + k] = total;
  }
  const aim = u * total;
  for (let k = 0; k < width; k++) if (aim < values[at + k]!) return k;
  return best;
}

/** A sum of probabilities may be off by this much: they may come from 16-bit numbers. */
const SUM_TOLERANCE = 1e-3;

/** log q of x [count, d] -> out [count, G]. @throws ValueError when the probabilities of a row do not sum to 1. */
export async function classify(
  logProbability: BatchFn,
  x: Float64Array,
  count: number,
  d: number,
  levels: number,
  out: Float64Array,
  where: string,
  first: number,
): Promise<void> {
  const own = x.slice(0, count * d);
  const rows = out.subarray(0, count * levels);
  await logProbability(own, rows);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let g = i * levels; g < (i + 1) * levels; g++) sum += exp(rows[g]!);
    if (Math.abs(sum - 1) <= SUM_TOLERANCE) continue;
    throw new ValueError({
      where,
      found: `the probabilities that \`levelLaw\` gives in row ${first + i} sum to ${Number(sum.toPrecision(6))}`,
      expected: `1, from logarithms of the probabilities of ${levels} levels`,
      fix: 'Return a log softmax. See error.point.',
      point: own.slice(i * d, (i + 1) * d),
      index: first + i,
    });
  }
}

/** log p_g(x) by the denoiser, at all levels. */
async function densities({ plan, chains, denoiser, lo, count, cycle }: Block): Promise<void> {
  const { levels, signals, times } = plan;
  const { x, work } = chains;
  const { points, times: at, values } = work.levels;
  const d = denoiser.dimension;
  const G = levels.length;
  for (let i = 0; i < count; i++) {
    for (let g = 0; g < G; g++) {
      at[i * G + g] = times[g]!;
      for (let c = 0; c < d; c++) points[(i * G + g) * d + c] = signals[g]! * x[(lo + i) * d + c]!;
    }
  }
  await denoiser.evaluate(points, at, count * G, { logDensity: values }, cycle);
  for (let row = 0; row < count * G; row++) values[row]! += d * log(signals[row % G]!);
}

/** Draw levels among neighbours, by the heat equation. */
async function drawInWindows(block: Block): Promise<void> {
  const { plan, chains, denoiser, lo, count } = block;
  const { levels, chains: n, source } = plan;
  const { level, work, x } = chains;
  const { draws, values, points, times } = work.levels;
  const d = denoiser.dimension;
  const G = levels.length;
  const W = source.kind === 'heat' ? source.window : 0;
  const low = Int32Array.from({ length: count }, (_, i) => {
    return level[lo + i]! - Math.floor(W * draws[n + lo + i]!);
  });
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < W; k++) {
      // Beyond the ends of the grid there is no level; the place is left out below.
      const g = Math.min(G - 1, Math.max(0, low[i]! + k));
      times[i * W + k] = plan.times[g]!;
      for (let c = 0; c < d; c++) points[(i * W + k) * d + c] = plan.signals[g]! * x[(lo + i) * d + c]!;
    }
  }
  await slopes(block, W, low);
  for (let i = 0; i < count; i++) {
    const first = Math.max(0, low[i]!);
    const end = Math.min(G, low[i]! + W);
    const at = i * W + first - low[i]!;
    let [sum, before] = [0, values[at]!];
    values[at] = 0;
    for (let g = first + 1; g < end; g++) {
      const slope = values[at + g - first]!;
      sum += 0.5 * (before + slope) * log(levels[g]! / levels[g - 1]!);
      before = slope;
      values[at + g - first] = sum;
    }
    level[lo + i] = choose(plan, first, values, at, end - first, draws[lo + i]!);
  }
}

/** sigma^2 (div s + |s|^2) at all places of the windows; the trace by one random direction of signs where it is not known. */
async function slopes(block: Block, W: number, low: Int32Array): Promise<void> {
  const { plan, denoiser, lo, count, cycle } = block;
  const { levels, signals } = plan;
  const { work } = block.chains;
  const { rng, backend } = block.ctx;
  const { values, points, times, score, direction } = work.levels;
  const d = denoiser.dimension;
  const all = count * W;
  const known = denoiser.source.divergence !== undefined;
  await denoiser.evaluate(points, times, all, known ? { score, divergence: values } : { score }, cycle);
  const square = new Float64Array(all);
  for (let row = 0; row < all; row++)
    for (let c = row * d; c < (row + 1) * d; c++) square[row]! += score[c]! ** 2;
  if (!known) {
    // The same signs at all places of a window, so that their differences are less noisy.
    const address = [...rng.key, plan.first + lo, cycle, channel(PURPOSE.noiseLevel, 2)] as const;
    await backend.dispatch('normal', [work.normals, d, ...address], count);
    for (let at = 0; at < all * d; at++)
      direction[at] = work.normals[Math.floor(at / (W * d)) * d + (at % d)]! < 0 ? -1 : 1;
    await denoiser.cleanTangent(points, times, all, direction, score);
  }
  const { schedule } = denoiser;
  for (let row = 0; row < all; row++) {
    const g = Math.min(levels.length - 1, Math.max(0, low[Math.floor(row / W)]! + (row % W)));
    const [alpha, sigma] = [signals[g]!, levels[g]!];
    if (!known) {
      const noise = schedule.noise(times[row]!);
      let trace = 0;
      for (let c = row * d; c < (row + 1) * d; c++) trace += direction[c]! * score[c]!;
      values[row] = (alpha * trace - d) / (noise * noise);
    }
    values[row] = (alpha * sigma) ** 2 * (values[row]! + square[row]!);
  }
}
