import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  type LogNormalizerVariance,
  varianceOfLogNormalizer,
} from '../../../engine/diagnostics/genealogy-variance.ts';
import { largestPooledShare, pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import { pointWarnings } from '../sqmc/point-warnings.ts';
import { combinedStep } from './combine.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { FilterState } from './filter-state.ts';
import type { FilterResult, FilterRuns, FilterStep, FilterSteps, LogNormalizer } from './filter-types.ts';
import { filterWarnings } from './filter-warnings.ts';

/** Everything a filter knows after its last step. */
export function filterAnswer(plan: FilterPlan, state: FilterState, ending: Ending): FilterResult {
  const steps = stepsOf(plan, state);
  const { runs, variances } = runsOf(plan, state);
  const logNormalizer = normalizerOf(plan, state, runs, variances);
  const sample = pooledSample(state);
  const noted = plan.runs === 1 ? variances[0]!.warnings : [];
  const { info, outcome } = report(plan, state, { steps, runs, noted }, ending.outcome);
  const ends = runs.collapsedAt;
  return {
    estimate: {
      names: ['logNormalizer'],
      value: Float64Array.of(logNormalizer.value),
      standardError: Float64Array.of(logNormalizer.standardError),
    },
    logNormalizer,
    ...steps,
    runs,
    sample,
    collapsedAt: ends.every((step) => step >= 0) ? Math.max(...ends) : undefined,
    history: state.smc.history.copy(),
    diagnostics: info,
    outcome,
    provenance: ending.provenance,
  };
}

/** The step just made. */
export function lastStep(plan: FilterPlan, { rows, layout, smc }: FilterState): FilterStep {
  const names = plan.functions.map(([name]) => name);
  const before = rows.count > 1 ? rows.row(rows.count - 2) : undefined;
  return combinedStep(layout, names, smc.step, rows.row(rows.count - 1), before);
}

function stepsOf({ functions }: FilterPlan, state: FilterState): FilterSteps {
  const { rows, layout } = state;
  const names = functions.map(([name]) => name);
  // A row whose predecessor is forgotten only serves the next one.
  const first = firstStep(state) > 0 ? 1 : 0;
  const each = Array.from({ length: rows.count - first }, (_, i) => {
    const before = first + i === 0 ? undefined : rows.row(first + i - 1);
    return combinedStep(layout, names, firstStep(state) + first + i, rows.row(first + i), before);
  });
  const joined = (part: (step: FilterStep) => Float64Array): Float64Array => {
    const width = each.length === 0 ? 0 : part(each[0]!).length;
    const all = new Float64Array(each.length * width);
    for (const [t, step] of each.entries()) all.set(part(step), t * width);
    return all;
  };
  return {
    increments: Float64Array.from(each, (step) => step.increment),
    ess: Float64Array.from(each, (step) => step.ess),
    resampled: Uint32Array.from(each, (step) => step.resampled),
    families: Uint32Array.from(each, (step) => step.families),
    mean: joined((step) => step.mean),
    meanError: joined((step) => step.meanError),
    covariance: joined((step) => step.covariance),
    expectations: {
      names,
      value: joined((step) => step.expectations.value),
      standardError: joined((step) => step.expectations.standardError),
    },
  };
}

/** The step of the first row: 0 unless earlier ones were forgotten. */
function firstStep({ smc, rows }: FilterState): number {
  return smc.step + 1 - rows.count;
}

interface Runs {
  readonly runs: FilterRuns;
  /** Of log Z of each run; none before the first step. */
  readonly variances: readonly LogNormalizerVariance[];
}

export function runsOf(plan: FilterPlan, { smc }: FilterState): Runs {
  const variances = smc.runs.map((run, r) => {
    const told = run.collapsedAt === undefined && smc.step >= 0 && !plan.quasiRandom;
    const scheme = told ? plan.loop.scheme : undefined;
    return varianceOfLogNormalizer(
      smc.weight(r),
      { family: smc.eve(r), resamplings: run.resamplings },
      scheme,
    );
  });
  return {
    variances,
    runs: {
      logNormalizer: Float64Array.from(smc.runs, (run) => run.logNormalizer),
      standardError: Float64Array.from(variances, (v) => v.standardError || Number.NaN),
      ess: Float64Array.from(smc.runs, (run) => run.ess),
      collapsedAt: Int32Array.from(smc.runs, (run) => run.collapsedAt ?? -1),
    },
  };
}

/** Whether exp of the estimates is unbiased. */
export function isUnbiased(plan: FilterPlan, { smc }: FilterState): boolean {
  return plan.unbiasedScheme && smc.runs.every((run) => run.floored === 0);
}

function normalizerOf(
  plan: FilterPlan,
  state: FilterState,
  { logNormalizer, standardError }: FilterRuns,
  variances: readonly LogNormalizerVariance[],
): LogNormalizer {
  const unbiased = isUnbiased(plan, state);
  const { value, standardError: spread } = combinedLogNormalizer(logNormalizer);
  if (plan.runs > 1) {
    const method = Number.isNaN(spread) ? 'none' : 'replicates';
    return { value, standardError: spread || Number.NaN, method, unbiased };
  }
  const { method } = variances[0]!;
  return {
    value,
    standardError: standardError[0]!,
    method: Number.isNaN(standardError[0]!) ? 'none' : method,
    unbiased,
  };
}

/** All runs as one weighted sample, whose log-mean-exp is log Z. */
export function pooledSample({ smc }: FilterState): Sample {
  // Nothing has been drawn before the first step.
  const n = smc.step < 0 ? 0 : smc.particles.count;
  const d = smc.particles.fields.x.components;
  const logWeight = n === 0 ? new Float64Array(0) : pooledLogWeight(smc);
  return { points: smc.particles.field('x').slice(0, n * d), shape: [n, d], logWeight };
}

interface Found {
  readonly steps: FilterSteps;
  readonly runs: FilterRuns;
  /** What the error of log Z warns of. */
  readonly noted: readonly Warning[];
}

function report(
  plan: FilterPlan,
  state: FilterState,
  { steps, runs, noted }: Found,
  outcome: Outcome,
): { info: Info; outcome: Outcome } {
  const { smc, measure } = state;
  const ess = steps.ess.at(-1) ?? smc.particles.count;
  const largest = largestShare(state);
  const warnings = filterWarnings({
    ...{ particles: smc.particles.count, steps, largest, collapsedAt: runs.collapsedAt },
    first: smc.step + 1 - steps.ess.length,
    floored: smc.runs.reduce((sum, run) => sum + run.floored, 0),
    nans: smc.runs.reduce((sum, run) => sum + run.nans, 0),
    paths: plan.history.kind === 'full' || plan.history.kind === 'paths',
  });
  const info = {
    ...filterInfo(plan, state),
    ess,
    warnings: [...pointWarnings(plan), ...warnings, ...unique([...noted, ...measure.warnings])],
  };
  const bad = warnings.find(({ code }) => code === 'collapse' || code === 'one-weight');
  const lost = ess === 0 || largest > 0.5;
  return {
    info,
    outcome: lost && bad !== undefined ? { kind: 'degenerate', ess, message: bad.message } : outcome,
  };
}

/** What is known of a filter at a glance, after every step. */
export function filterInfo(plan: FilterPlan, { smc, rows, layout }: FilterState): Info {
  const names = plan.functions.map(([name]) => name);
  const last =
    rows.count === 0 ? undefined : combinedStep(layout, names, 0, rows.row(rows.count - 1), undefined);
  return {
    ess: last?.ess ?? smc.particles.count,
    evaluations: smc.evaluations,
    warnings: [],
    done: smc.step + 1,
    total: plan.observations.length,
  };
}

/** The largest share of one particle in the final weight; 0 where there is but one, or none yet. */
function largestShare({ smc }: FilterState): number {
  return smc.step < 0 || smc.particles.count < 2 ? 0 : largestPooledShare(smc);
}

function unique(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((warning) => [warning.code, warning])).values()];
}
