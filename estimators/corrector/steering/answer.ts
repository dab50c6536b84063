import { spaced } from '../../../engine/check.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../../engine/diagnostics/genealogy-variance.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { ess, normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { largestPooledShare, pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import { known, pooledMoments } from '../../../engine/particles/smc/pooled-moments.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import { evaluationsOf, type SteeringState, type TraceRow } from './open-chain.ts';
import type { SteeringPlan } from './plan.ts';
import type { SteeringNormalizer, SteeringResult, SteeringTrace } from './types.ts';
import { steeringWarnings } from './warnings.ts';

/** What all methods of steering answer. */
export function steeringAnswer(state: SteeringState, ending: Ending, info: Info): SteeringResult {
  const { smc, chain, trace } = state;
  const { plan, reward } = chain;
  const { method, dimension: d } = plan;
  const sample = sampleOf(state);
  const { finished } = smc;
  const { mean, covariance, warnings } = finished ? momentsOf(state, sample) : blank(d);
  const normalizer = normalizerOf(state);
  const names = Array.from({ length: d }, (_, c) => `x${c + 1}`);
  const withZ = method.claim.claim !== 'none';
  const place = toldPlace(ending.provenance, reward.place);
  return {
    estimate: {
      names: withZ ? ['logNormalizer', ...names] : names,
      value: withZ ? Float64Array.of(normalizer.value, ...mean.value) : mean.value.slice(),
      standardError: withZ
        ? Float64Array.of(normalizer.standardError, ...mean.standardError)
        : mean.standardError.slice(),
    },
    sample,
    outcome: outcomeOf(state, ending.outcome),
    diagnostics: {
      ...info,
      ess: ess(sample.logWeight),
      warnings: [...warnings, ...steeringWarnings(state, largestPooledShare(smc))],
    },
    provenance: { ...place, notes: [...place.notes, ...notesOf(state)] },
    limit: method.limit,
    logNormalizer: normalizer,
    mean: { names, ...mean },
    covariance,
    trace: traceOf(plan, trace),
    uniqueAncestors: ancestorsOf(state),
    resamplings: smc.runs.reduce((total, run) => total + run.resamplings, 0),
    evaluations: evaluationsOf(chain),
    runs: {
      logNormalizer: Float64Array.from(smc.runs, (run) => (withZ ? run.logNormalizer : Number.NaN)),
      ess: Float64Array.from(smc.runs, (run) => run.ess),
    },
  };
}

/** Particles of all runs; of groups of candidates the best ones alone, once they are known. */
function sampleOf({ smc, chain }: SteeringState): Sample {
  const { dimension: d, rows, particles } = chain.plan;
  const points = smc.particles.field('x').slice();
  const logWeight = pooledLogWeight(smc);
  if (rows === particles) return { points, shape: [logWeight.length, d], logWeight };
  // Before the end any candidate stands for its group.
  const group = rows / particles;
  const chosen = Array.from({ length: logWeight.length / group }, (_, g) => {
    const best = logWeight.subarray(g * group, (g + 1) * group).findIndex((l) => l > -Infinity);
    return g * group + best;
  });
  const kept = new Float64Array(chosen.length * d);
  for (const [g, row] of chosen.entries()) kept.set(points.subarray(row * d, (row + 1) * d), g * d);
  return { points: kept, shape: [chosen.length, d], logWeight: new Float64Array(chosen.length) };
}

interface Moments {
  readonly mean: { readonly value: Float64Array; readonly standardError: Float64Array };
  readonly covariance: Float64Array;
  readonly warnings: readonly Warning[];
}

/** Covariances of more dimensions are not computed. */
const MOST_DIMENSIONS = 256;

function momentsOf(state: SteeringState, sample: Sample): Moments {
  const { smc, chain } = state;
  const { runs, particles, dimension: d } = chain.plan;
  const ends = smc.runs.map((_, r) => (r + 1) * particles);
  const { mean: value, covariance, standardError } = pooledMoments(sample, ends, d <= MOST_DIMENSIONS);
  const mean = { value, standardError };
  if (runs > 1 || smc.runs[0]!.collapsedAt !== undefined) return { mean, covariance, warnings: [] };
  const weight = normalizedWeight(sample.logWeight);
  const alone = particles < chain.plan.rows;
  const family = alone ? Uint32Array.from(weight.keys()) : smc.eve(0);
  const eves = { family, resamplings: smc.runs[0]!.resamplings };
  const own = standardErrorOfMean(weight, sample.points, eves);
  return {
    mean: { value, standardError: own.standardError.map(known) },
    covariance,
    warnings: own.warnings,
  };
}

function blank(d: number): Moments {
  const none = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);
  const square = d <= MOST_DIMENSIONS ? d * d : 0;
  return { mean: { value: none(d), standardError: none(d) }, covariance: none(square), warnings: [] };
}

function normalizerOf({ smc, chain }: SteeringState): SteeringNormalizer {
  const { claim, reason } = chain.plan.method.claim;
  const none = { value: Number.NaN, standardError: Number.NaN, method: 'none', claim, reason } as const;
  if (claim === 'none' || !smc.finished) return none;
  const { value, standardError } = combinedLogNormalizer(
    Float64Array.from(smc.runs, (run) => run.logNormalizer),
  );
  if (smc.runs.length > 1)
    return {
      value,
      standardError,
      method: Number.isNaN(standardError) ? 'none' : 'replicates',
      claim,
      reason,
    };
  if (value === -Infinity) return { ...none, value };
  const weight = normalizedWeight(smc.population(0).logWeight);
  const eves = { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings };
  const own = varianceOfLogNormalizer(weight, eves, chain.plan.method.scheme);
  const error = known(own.standardError);
  return {
    value,
    standardError: error,
    method: Number.isNaN(error) ? 'none' : own.method,
    claim,
    reason,
  };
}

function outcomeOf({ smc }: SteeringState, outcome: Outcome): Outcome {
  const dead = smc.runs.every((run) => run.collapsedAt !== undefined);
  if (!dead) return outcome;
  const message = `No particle of ${spaced(smc.count)} has a positive weight at step ${smc.runs[0]!.collapsedAt}. Use more particles, or a reward that is finite where the chain goes.`;
  return { kind: 'degenerate', ess: 0, message };
}

function notesOf({ chain }: SteeringState): readonly string[] {
  const { reward, plan } = chain;
  if (plan.method.shift === undefined || !reward.differences) return [];
  const count = 2 * plan.dimension + 1;
  return [`The reward came without a gradient: differences, ${count} evaluations each.`];
}

function traceOf({ chain }: SteeringPlan, rows: readonly TraceRow[]): SteeringTrace {
  return {
    time: Float64Array.from(rows, (_, s) => chain.points[s]!.time),
    ess: Float64Array.from(rows, (row) => row.ess),
    resampled: Uint8Array.from(rows, (row) => (row.resampled ? 1 : 0)),
    increment: Float64Array.from(rows, (row) => row.increment),
    largestWeight: Float64Array.from(rows, (row) => row.largestWeight),
  };
}

function ancestorsOf({ smc }: SteeringState): number {
  const living = smc.runs.map((run, r) => {
    if (run.collapsedAt !== undefined) return 0;
    const weight = smc.weight(r);
    const eve = smc.eve(r);
    return new Set(eve.filter((_, i) => weight[i]! > 0)).size;
  });
  return living.reduce((sum, each) => sum + each, 0) / (smc.count * smc.runs.length);
}
