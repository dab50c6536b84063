import { spaced } from '../../../engine/check.ts';
import {
  blankMoments,
  eves,
  type MomentEstimate,
  momentEstimate,
  normalizerEstimate,
} from '../../../engine/diagnostics/smc-estimates.ts';
import { toldNetworks, toldPlace } from '../../../engine/model/place.ts';
import { ess } from '../../../engine/particles/log-weight.ts';
import { largestPooledShare, pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Outcome } from '../../../engine/types.ts';
import { evaluationsOf, type SteeringState, type TraceRow } from './open-chain.ts';
import type { SteeringPlan } from './plan.ts';
import { UNFINISHED } from './statements.ts';
import type { SteeringNormalizer, SteeringResult, SteeringTrace } from './types.ts';
import { steeringWarnings } from './warnings.ts';

/** What all methods of steering answer. */
export function steeringAnswer(state: SteeringState, ending: Ending, info: Info): SteeringResult {
  const { smc, chain, trace } = state;
  const { plan, reward } = chain;
  const { method } = plan;
  const sample = sampleOf(state);
  const { mean, covariance, warnings } = momentsOf(state, sample);
  const normalizer = normalizerOf(state);
  const withZ = method.claim.claim !== 'none';
  const place = toldNetworks(toldPlace(ending.provenance, reward.place), [plan.denoiser]);
  return {
    estimate: {
      names: withZ ? ['logNormalizer', ...mean.names] : mean.names,
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
    mean,
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

function momentsOf({ smc, chain }: SteeringState, sample: Sample): MomentEstimate {
  const { runs, particles, rows, dimension } = chain.plan;
  if (!smc.finished) return blankMoments(dimension);
  const { collapsedAt, resamplings } = smc.runs[0]!;
  // The best of each group stands alone.
  const alone = { family: Uint32Array.from({ length: particles }, (_, i) => i), resamplings };
  const families = particles < rows ? alone : eves(smc);
  return momentEstimate(sample, runs, collapsedAt === undefined ? families : undefined);
}

function normalizerOf({ smc, chain }: SteeringState): SteeringNormalizer {
  const { claim, scheme } = chain.plan.method;
  const none = { value: Number.NaN, standardError: Number.NaN, method: 'none' } as const;
  if (claim.claim === 'none') return { ...none, ...claim };
  if (!smc.finished) return { ...none, ...UNFINISHED };
  const { value, standardError, method } = normalizerEstimate(smc, scheme);
  return { value, standardError, method, ...claim };
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
