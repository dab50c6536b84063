import {
  blankMoments,
  eves,
  type MomentEstimate,
  momentEstimate,
  normalizerEstimate,
} from '../../engine/diagnostics/smc-estimates.ts';
import { toldNetworks, toldPlace } from '../../engine/model/place.ts';
import { distinctCount } from '../../engine/particles/genealogy.ts';
import { ess, largestWeight } from '../../engine/particles/log-weight.ts';
import { pooledLogWeight } from '../../engine/particles/smc/pooled.ts';
import type { Ending, Info, Sample } from '../../engine/sampler.ts';
import type { Warning } from '../../engine/types.ts';
import { leftPointBias } from './left-point.ts';
import type { CorrectorPlan } from './plan.ts';
import { stabilities } from './stability.ts';
import type { CorrectorState } from './state.ts';
import { type Seen, trustIn } from './trust.ts';
import type { CorrectorNormalizer, CorrectorResult, CorrectorTrace } from './types.ts';
import { correctorWarnings } from './warnings.ts';

/** Before the last step there is no sample of the target: estimates are NaN, `trace` says how far it got. */
export function correctorAnswer(
  state: CorrectorState,
  plan: CorrectorPlan,
  ending: Ending,
  info: Info,
): CorrectorResult {
  const { smc, target, place } = state;
  const { dimension: d } = plan;
  const sample: Sample = {
    points: smc.particles.field('x').slice(),
    shape: [smc.particles.count, d],
    logWeight: pooledLogWeight(smc),
  };
  const trace = traceOf(state, plan);
  const seen = seenIn(state, plan, sample, trace);
  const { mean, covariance, warnings: noted } = momentsOf(state, plan, sample);
  const { normalizer, warnings } = normalizerOf(state, plan, seen);
  const placed = [place, ...target.places].reduce(toldPlace, ending.provenance);
  const provenance = toldNetworks(placed, plan.experts);
  return {
    estimate: {
      names: ['logNormalizer', ...mean.names],
      value: Float64Array.of(normalizer.value, ...mean.value),
      standardError: Float64Array.of(normalizer.standardError, ...mean.standardError),
    },
    sample,
    outcome: ending.outcome,
    diagnostics: {
      ...info,
      ess: ess(sample.logWeight),
      // Log Z and the means may both say that families are few.
      warnings: [
        ...[...warnings, ...noted].slice(0, 1),
        ...correctorWarnings(plan, seen, normalizer.standardError),
      ],
    },
    provenance: { ...provenance, notes: [...provenance.notes, ...target.notes] },
    logNormalizer: normalizer,
    mean,
    covariance,
    trace,
    uniqueAncestors: seen.uniqueAncestors,
    resamplings: seen.resamplings,
    rateVariance: integralOf(trace.rateVariance, plan),
    scoreEvaluations: target.evaluations,
    runs: {
      logNormalizer: Float64Array.from(smc.runs, ({ logNormalizer }) =>
        plan.weights === 'none' ? Number.NaN : logNormalizer,
      ),
      ess: Float64Array.from(smc.runs, (run) => run.ess),
    },
  };
}

function traceOf({ rows, starts }: CorrectorState, plan: CorrectorPlan): CorrectorTrace {
  const first = rows[0]!;
  const column = (pick: (row: (typeof first)[number]) => number): Float64Array =>
    Float64Array.from(first, pick);
  return {
    time: Float64Array.from(first, (_, k) => plan.terms[k]!.time),
    ess: column((row) => row.ess),
    resampled: Uint8Array.from(first, (row) => (row.resampled ? 1 : 0)),
    rateVariance: column((row) => row.rateVariance),
    increment: column((row) => row.increment),
    largestWeight: column((row) => row.largestWeight),
    stability: stabilities(plan).subarray(0, first.length),
    start: starts[0]!,
  };
}

/** Integral over the times of the steps that were made. */
function integralOf(variance: Float64Array, { terms }: CorrectorPlan): number {
  return variance.reduce((sum, value, k) => sum + terms[k]!.step * value, 0);
}

function seenIn(
  { smc, rows, models }: CorrectorState,
  plan: CorrectorPlan,
  { logWeight }: Sample,
  { stability }: CorrectorTrace,
): Seen {
  const { particles, terms, runs } = plan;
  let least = { share: 1, time: terms[0]!.time };
  for (const row of rows)
    for (const [k, { ess: count }] of row.entries())
      if (count / particles < least.share) least = { share: count / particles, time: terms[k + 1]!.time };
  const eves = smc.runs.map((_, r) => smc.eve(r).map((eve) => eve - r * particles));
  const living = eves.reduce((sum, eve) => sum + distinctCount(eve, particles), 0);
  const runaway = models
    .map((model) => model.runaway)
    .reduce((worst, each) => (each.share > worst.share ? each : worst));
  return {
    finished: smc.finished,
    leastEss: least,
    largestWeight: largestWeight(logWeight),
    uniqueAncestors: living / (runs * particles),
    resamplings: smc.runs.reduce((sum, run) => sum + run.resamplings, 0),
    runaway,
    stability: stability.reduce((most, value) => (Number.isNaN(value) ? most : Math.max(most, value)), 0),
    leftPoint: rows.reduce((sum, each) => sum + leftPointBias(plan, each) / runs, 0),
  };
}

function momentsOf({ smc }: CorrectorState, plan: CorrectorPlan, sample: Sample): MomentEstimate {
  if (!smc.finished) return blankMoments(plan.dimension);
  return momentEstimate(sample, plan.runs, plan.rule.kind === 'clocks' ? undefined : eves(smc));
}

function normalizerOf(
  { smc }: CorrectorState,
  plan: CorrectorPlan,
  seen: Seen,
): { readonly normalizer: CorrectorNormalizer; readonly warnings: readonly Warning[] } {
  const { weights, rule, scheme } = plan;
  const none = { value: Number.NaN, standardError: Number.NaN, method: 'none', warnings: [] } as const;
  const known = seen.finished && weights !== 'none';
  // The genealogy of clocks tells no variance.
  const { warnings, ...told } = known
    ? normalizerEstimate(smc, rule.kind === 'clocks' ? undefined : scheme)
    : none;
  const trust = trustIn(plan, seen, told.standardError);
  return { normalizer: { ...told, ...trust }, warnings };
}
