import { mergeRows } from '../../engine/cluster/summaries.ts';
import { combinedLogNormalizer } from '../../engine/diagnostics/combined-normalizer.ts';
import { ess, logMeanExp, normalizedWeight } from '../../engine/particles/log-weight.ts';
import type { Ending, Info } from '../../engine/sampler.ts';
import type { Outcome, Warning } from '../../engine/types.ts';
import { type IslandRows, sharedOf, UNBIASED } from './island.ts';
import { decodeRefs } from './kept.ts';
import type { IslandsResult } from './types.ts';

/** Islands that follow each other; what they share is said by the left ones. */
export function mergeIslands(left: IslandRows, right: IslandRows): IslandRows {
  const { shared, ...rows } = left;
  const { shared: _, ...more } = right;
  return { ...mergeRows(rows, more), shared };
}

/** Fewer effective islands than this have no standard error. */
const LEAST = 4;

/**
 * R islands as one answer, v_k proportional to Z_k = exp(L_k):
 *
 *   log Z = booked + log mean Z_k,   se by the delta method;   m = sum v_k m_k,   se^2 = R / (R - 1) sum v_k^2 (m_k - m)^2
 *
 * L_k is log Z since the last exchange, with a butterfly log Z as pairs have shared it, and `booked` what was booked until then. After an exchange islands are not
 * independent: no standard errors then. Never the mean of the L_k, and after an exchange never the plain mean of the m_k.
 */
export function islandsAnswer(
  rows: IslandRows,
  weights: 'evidence' | 'uniform',
  { outcome, provenance }: Ending,
  progress: Pick<Info, 'done' | 'total'>,
): IslandsResult {
  const R = rows.flags.length;
  const { names, dimension, booked, exchanges, moved } = sharedOf(rows);
  const logs = rows.logNormalizer.map((value, k) => (value === -Infinity ? value : value - rows.base[k]!));
  const share = normalizedWeight(logs);
  const effective = ess(logs);
  const weight = weights === 'uniform' ? new Float64Array(R).fill(1 / R) : share;
  const sure = exchanges === 0 && effective >= LEAST;
  const mean = combinedMeans(rows.mean, names.length, weight, { alive: effective > 0, sure });
  const own = combinedLogNormalizer(logs);
  const logNormalizer = {
    value: booked + logMeanExp(logs),
    standardError: sure ? own.standardError : Number.NaN,
    unbiased: rows.flags.every((flag) => (flag & UNBIASED) !== 0),
  };
  const variance = varianceOf(logs);
  const warnings = [...degeneracy(effective, R, variance), ...uniformly(weights)];
  const particles = decodeRefs(rows.kept);
  return {
    estimate: {
      names: ['logNormalizer', ...names],
      value: Float64Array.of(logNormalizer.value, ...mean.value),
      standardError: Float64Array.of(logNormalizer.standardError, ...mean.standardError),
    },
    logNormalizer,
    mean: { names, ...mean },
    islands: {
      ...{ logNormalizer: logs, weight, mean: rows.mean, ess: effective, variance, exchanges, moved },
      ...(particles.length === 0 ? {} : { particles }),
    },
    sample: pooled(rows, weight, dimension),
    diagnostics: { ...countsOf(rows, weight), warnings, ...progress },
    outcome: outcomeOf(outcome, logNormalizer.value),
    provenance,
  };
}

/** m and its error, [k] each; NaN where none is alive. */
function combinedMeans(
  values: Float64Array,
  k: number,
  weight: Float64Array,
  { alive, sure }: { readonly alive: boolean; readonly sure: boolean },
): { readonly value: Float64Array; readonly standardError: Float64Array } {
  const R = weight.length;
  const value = new Float64Array(k);
  const standardError = new Float64Array(k).fill(Number.NaN);
  for (let j = 0; j < k; j++) {
    let sum = 0;
    // An island without mass has no mean.
    for (let i = 0; i < R; i++) if (weight[i]! > 0) sum += weight[i]! * values[i * k + j]!;
    value[j] = alive ? sum : Number.NaN;
    if (!sure) continue;
    let squares = 0;
    for (let i = 0; i < R; i++) if (weight[i]! > 0) squares += (weight[i]! * (values[i * k + j]! - sum)) ** 2;
    standardError[j] = Math.sqrt((R / (R - 1)) * squares) || Number.NaN;
  }
  return { value, standardError };
}

function varianceOf(logs: Float64Array): number {
  const mean = logs.reduce((sum, l) => sum + l, 0) / logs.length;
  return logs.reduce((sum, l) => sum + (l - mean) ** 2, 0) / (logs.length - 1);
}

/** The draws of island k weigh v_k together. */
function pooled({ points }: IslandRows, weight: Float64Array, d: number): IslandsResult['sample'] {
  const n = d === 0 ? 0 : points.length / d;
  const each = n / weight.length;
  const logWeight = Float64Array.from({ length: n }, (_, i) =>
    Math.log(weight[Math.floor(i / each)]! / each),
  );
  return { points: points.slice(), shape: [n, d], logWeight };
}

/** Effective particles, 1 / sum v_k^2 / ess_k, and evaluations. */
function countsOf({ counts }: IslandRows, weight: Float64Array): Pick<Info, 'ess' | 'evaluations'> {
  let [squares, evaluations] = [0, 0];
  for (let k = 0; k < weight.length; k++) {
    if (weight[k]! > 0) squares += weight[k]! ** 2 / counts[3 * k]!;
    evaluations += counts[3 * k + 1]!;
  }
  return { ess: squares > 0 ? 1 / squares : 0, evaluations };
}

function degeneracy(effective: number, R: number, variance: number): readonly Warning[] {
  if (R < 2 || effective >= R / 2) return [];
  const shown = Number.isFinite(variance) ? `, the variance of their log Z ${variance.toPrecision(2)}` : '';
  return [
    {
      code: 'island-degeneracy',
      message: `Of ${R} islands ${effective.toPrecision(2)} count${shown}. Take larger islands, until that variance is at most 0.5, or let them exchange.`,
      value: effective,
      threshold: R / 2,
    },
  ];
}

function uniformly(weights: 'evidence' | 'uniform'): readonly Warning[] {
  if (weights === 'evidence') return [];
  return [
    {
      code: 'uniform-islands',
      message:
        "Islands count the same, whatever their evidence: means have a bias of order 1 / particles that more islands do not remove. weights: 'evidence' has none in the limit.",
    },
  ];
}

function outcomeOf(outcome: Outcome, value: number): Outcome {
  if (value > -Infinity) return outcome;
  return { kind: 'degenerate', ess: 0, message: 'No island has any mass left: log Z is -Infinity.' };
}
