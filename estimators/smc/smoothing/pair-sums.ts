import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { DegeneracyError, ValueError } from '../../../engine/errors.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, type Rng } from '../../../engine/random/rng.ts';
import type { Turn } from '../../../engine/turn.ts';
import { exp } from '../../../engine/wasm/twins/elementary.ts';
import type { AdditiveFunctional } from './additive-functional.ts';
import { makeProposals } from './ancestor-draws.ts';
import { checkTerms } from './path-record.ts';
import { takeRows } from './run-frame.ts';
import { badLogTransition, type DensityModel, makeTile } from './transition-tile.ts';

/*
 * Smoothed pairs (x_t, x_{t+1}) from the particles of a filter at t and of an information filter at t + 1:
 *
 *   log w_ij = log W_t^i + log Wt_{t+1}^j - log gamma_{t+1}(xt^j) + log f_{t+1}(xt^j | x_t^i)
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_t^i, log W_t^i | parents | [N, d], [N] |
 * | xt_{t+1}^j, log Wt^j, log gamma | children | [N, d], [N], [N] |
 * | phi | values of a pair: x_t - center, its square, s_{t+1}(x_t, x_{t+1}), at t = 0 also s_0(x_0) | [rows, v] |
 */
export interface PairStep {
  /** t */
  readonly step: number;
  readonly rng: Rng;
  readonly parents: { readonly x: Float64Array; readonly logWeight: Float64Array };
  readonly children: {
    readonly x: Float64Array;
    readonly logWeight: Float64Array;
    readonly logPrior: Float64Array;
  };
  /** [d] what the states are measured from, so that squares do not cancel. */
  readonly center: Float64Array;
}

export interface PairMeans {
  /** Weighted means of the values, [v]. */
  readonly mean: Float64Array;
  /** Effective number of pairs, or of children where all pairs count. */
  readonly ess: number;
}

export type PairSums = (at: PairStep) => Promise<PairMeans>;

export interface PairKit {
  readonly where: string;
  readonly backend: Backend;
  readonly arena: Arena;
  readonly model: DensityModel;
  readonly n: number;
  readonly functional: AdditiveFunctional | undefined;
}

/** Numbers of a pair. */
export function valueCount({ model: { dimension: d }, functional }: PairKit, step: number): number {
  const k = functional?.names.length ?? 0;
  return 2 * d + (step === 0 && functional?.initial !== undefined ? 2 * k : k);
}

/** All N^2 pairs. */
export function allPairs(kit: PairKit, turn: Turn, signal: AbortSignal): PairSums {
  const { where, backend, arena, model, n } = kit;
  const tile = makeTile(where, backend, arena, model, n);
  const values = makeValues(kit, tile.width * n);
  const every = Uint32Array.from({ length: n }, (_, j) => j);
  const scale = new Float64Array(n);
  const total = new Float64Array(n);
  const width = valueCount(kit, 0);
  const sums = new Float64Array(n * width);
  return async (at) => {
    const { step, parents, children } = at;
    const v = valueCount(kit, step);
    tile.aim(step + 1, parents.x, parents.logWeight);
    for (let lo = 0; lo < n; lo += tile.width) {
      const hi = Math.min(n, lo + tile.width);
      await tile.fill(children.x, every, lo, hi);
      const { parent, child, weight } = tile.rows(hi - lo);
      const phi = values(at, parent, child, weight);
      for (let j = lo; j < hi; j++) {
        scale[j] = logScale(where, at, j, tile.shift[j - lo]!);
        total[j] = rowSums(weight, phi, (j - lo) * n, n, v, sums.subarray(j * v, (j + 1) * v));
      }
      if (turn.due()) await turn.pause(signal);
    }
    for (let j = 0; j < n; j++) scale[j] = total[j] === 0 ? -Infinity : scale[j]!;
    return weightedMean(where, step, scale, total, sums, v);
  };
}

/** Pairs of independent draws from both filters, `pairs` of them. */
export function drawnPairs(kit: PairKit, pairs: number): PairSums {
  const { where, backend, arena, model, n } = kit;
  const d = model.dimension;
  const [forward, backward] = [makeProposals(backend, arena, n), makeProposals(backend, arena, n)];
  const uniforms = arena.f64(2 * pairs);
  const [u, u2] = [arena.f64(pairs), arena.f64(pairs)];
  const [i, j] = [arena.u32(pairs), arena.u32(pairs)];
  const [parent, child] = [arena.f64(pairs * d), arena.f64(pairs * d)];
  const [logW, ones] = [arena.f64(pairs), new Float64Array(pairs).fill(1)];
  const values = makeValues(kit, pairs);
  return async (at) => {
    const { step, rng, parents, children } = at;
    const address = [...rng.key, 0, step, channel(PURPOSE.backward)] as const;
    await backend.dispatch('uniform', [uniforms, 2, ...address], pairs);
    for (let m = 0; m < pairs; m++) [u[m], u2[m]] = [uniforms[2 * m]!, uniforms[2 * m + 1]!];
    await forward.aim(parents.logWeight);
    await backward.aim(children.logWeight);
    await forward.draw(u, i, pairs);
    await backward.draw(u2, j, pairs);
    takeRows(parents.x, d, i, pairs, parent);
    takeRows(children.x, d, j, pairs, child);
    model.logTransition(step + 1, parent, child, logW);
    for (let m = 0; m < pairs; m++) {
      if (!(logW[m]! < Infinity)) throw badLogTransition(where, step + 1, logW[m]!, i[m]!);
      logW[m] = logW[m]! - checkedPrior(where, at, j[m]!);
    }
    const phi = values(at, parent, child, ones);
    return weightedMean(where, step, logW, ones, phi, valueCount(kit, step));
  };
}

/** log of the factor of child j that its pairs share. */
function logScale(where: string, at: PairStep, j: number, shift: number): number {
  const { logWeight } = at.children;
  if (shift === -Infinity || logWeight[j] === -Infinity) return -Infinity;
  return shift + logWeight[j]! - checkedPrior(where, at, j);
}

function checkedPrior(where: string, { step, children }: PairStep, j: number): number {
  const value = children.logPrior[j]!;
  if (Number.isFinite(value)) return value;
  throw new ValueError({
    where,
    found: `reversed.logPrior is ${value} at step ${step + 1}, particle ${j}`,
    expected: 'a finite number wherever the information filter has particles',
    index: j,
  });
}

/** Fills the values of pairs; rows without weight may hold anything. */
function makeValues(
  kit: PairKit,
  rows: number,
): (at: PairStep, parent: Float64Array, child: Float64Array, weight: Float64Array) => Float64Array {
  const { where, model, functional, arena } = kit;
  const d = model.dimension;
  const k = functional?.names.length ?? 0;
  const phi = arena.f64(rows * valueCount(kit, 0));
  const terms = arena.f64(rows * k);
  return ({ step, center }, parent, child, weight) => {
    const v = valueCount(kit, step);
    const n = weight.length;
    for (let row = 0; row < n; row++) {
      for (let c = 0; c < d; c++) {
        const from = parent[row * d + c]! - center[c]!;
        phi[row * v + c] = from;
        phi[row * v + d + c] = from * from;
      }
    }
    if (functional === undefined) return phi;
    const own = terms.subarray(0, n * k);
    const copy = (column: number, at: number): void => {
      checkTerms(where, at, own, k, weight);
      for (let row = 0; row < n; row++)
        for (let c = 0; c < k; c++) phi[row * v + column + c] = own[row * k + c]!;
    };
    functional.term(step + 1, parent, child, own);
    copy(2 * d, step + 1);
    if (step === 0 && functional.initial !== undefined) {
      functional.initial(parent, own);
      copy(2 * d + k, 0);
    }
    return phi;
  };
}

/** sum_i w_i and sum_i w_i phi_i of the n rows from `from`. */
function rowSums(
  weight: Float64Array,
  phi: Float64Array,
  from: number,
  n: number,
  v: number,
  out: Float64Array,
): number {
  out.fill(0);
  let total = 0;
  for (let row = from; row < from + n; row++) {
    const w = weight[row]!;
    if (w === 0) continue;
    total += w;
    for (let c = 0; c < v; c++) out[c] = out[c]! + w * phi[row * v + c]!;
  }
  return total;
}

/** sum_j e^{scale_j} sums_j / sum_j e^{scale_j} total_j. */
function weightedMean(
  where: string,
  step: number,
  scale: Float64Array,
  total: Float64Array,
  sums: Float64Array,
  v: number,
): PairMeans {
  let largest = -Infinity;
  for (let j = 0; j < scale.length; j++) largest = Math.max(largest, scale[j]!);
  if (largest === -Infinity) throw noPair(where, step);
  const mean = new Float64Array(v);
  let [mass, squares] = [0, 0];
  for (let j = 0; j < scale.length; j++) {
    const w = exp(scale[j]! - largest);
    if (w === 0) continue;
    mass += w * total[j]!;
    squares += (w * total[j]!) ** 2;
    for (let c = 0; c < v; c++) mean[c] = mean[c]! + w * sums[j * v + c]!;
  }
  return { mean: mean.map((sum) => sum / mass), ess: (mass * mass) / squares };
}

function noPair(where: string, step: number): DegeneracyError {
  return new DegeneracyError({
    where,
    found: `no pair of particles of steps ${step} and ${step + 1} can follow each other`,
    expected: 'filters whose particles meet',
    fix: 'Use more particles, or an artificial prior nearer to the smoothed states.',
  });
}
