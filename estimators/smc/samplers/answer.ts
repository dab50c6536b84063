import { chainMeans, chainsTooShort } from '../../../engine/diagnostics/chain-variance.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  type Families,
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../../engine/diagnostics/genealogy-variance.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { ess, logMeanOf, normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { weightedMoments } from '../../../engine/particles/moments.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import type { PopulationPlan } from './plan.ts';
import type { PopulationState, Row } from './population-sampler.ts';
import type { PathTable, PopulationResult, SamplerNormalizer } from './types.ts';
import { collapse, populationWarnings } from './warnings.ts';

/** What all samplers of moving populations answer. `fixedTargets`: whether they were known beforehand. */
export function populationAnswer(
  state: PopulationState,
  plan: PopulationPlan,
  ending: Ending,
  info: Info,
  fixedTargets: boolean,
): PopulationResult {
  const { smc, likelihood, rows } = state;
  const dead = smc.runs.filter((run) => run.collapsedAt !== undefined);
  const sample = pooled(state, plan);
  const told =
    dead.length === plan.runs
      ? nothing(plan)
      : plan.runs === 1
        ? one(state, plan, sample)
        : several(state, plan, sample);
  const { normalizer, mean, standardError, covariance } = told;
  const logNormalizer = { ...normalizer, unbiased: fixedTargets && plan.unbiasedMoves };
  const warnings = [
    ...collapse(dead.length, plan),
    ...told.warnings,
    ...populationWarnings(rows, sample, plan),
  ];
  const first = rows[0]!;
  return {
    estimate: {
      names: ['logNormalizer', ...plan.prior.names],
      value: Float64Array.of(normalizer.value, ...mean),
      standardError: Float64Array.of(normalizer.standardError, ...standardError),
    },
    sample,
    outcome: dead.length === plan.runs ? allDead(state) : ending.outcome,
    diagnostics: { ...info, ess: ess(sample.logWeight), warnings },
    provenance: toldPlace(ending.provenance, likelihood.place),
    logNormalizer,
    mean: { names: plan.prior.names, value: mean, standardError },
    covariance,
    schedule: {
      targets: first.map(({ target }) => target),
      moves: first.map(({ moves }) => moves),
      tuning: first.map(({ tuning }) => tuning),
    },
  };
}

/** The table of the first run's targets. */
export function pathTable(rows: readonly Row[]): PathTable {
  const column = (pick: (row: Row) => number): Float64Array => Float64Array.from(rows, pick);
  return {
    ess: column((row) => row.ess),
    logNormalizer: column((row) => row.logNormalizer),
    moves: column((row) => row.moves),
    acceptance: column((row) => row.acceptance),
  };
}

/** All runs as one weighted sample, whose log-mean-exp is log Z. */
function pooled({ smc }: PopulationState, { particles: n, runs, prior }: PopulationPlan): Sample {
  const logWeight = smc.particles.logWeight.slice();
  for (const [r, { logNormalizer }] of smc.runs.entries()) {
    const own = logWeight.subarray(r * n, (r + 1) * n);
    const shift = logNormalizer - logMeanOf(smc.summary(r), n);
    if (logNormalizer > -Infinity) for (let i = 0; i < n; i++) own[i] = own[i]! + shift;
  }
  const points = smc.particles.field('x').slice() as Float64Array;
  return { points, shape: [n * runs, prior.law.dimension], logWeight };
}

interface Told {
  readonly normalizer: Omit<SamplerNormalizer, 'unbiased'>;
  /** [d] */
  readonly mean: Float64Array;
  readonly standardError: Float64Array;
  /** [d, d] */
  readonly covariance: Float64Array;
  readonly warnings: readonly Warning[];
}

/** One run, with errors from itself. */
function one(state: PopulationState, plan: PopulationPlan, sample: Sample): Told {
  const { points, logWeight } = sample;
  const { covariance } = weightedMoments(points, logWeight);
  return plan.chains < plan.particles
    ? { ...byChains(state, plan, sample), covariance }
    : { ...byGenealogy(state, plan, sample), covariance };
}

type OneRun = Omit<Told, 'covariance'>;

function byChains(
  { smc, rows }: PopulationState,
  plan: PopulationPlan,
  { points, logWeight }: Sample,
): OneRun {
  const { particles: n, chains } = plan;
  const all = rows[0]!;
  // At the first step the points are independent.
  const { value: mean, standardError } = chainMeans(
    normalizedWeight(logWeight),
    points,
    all.length === 1 ? n : chains,
  );
  const variance = all.reduce((total, row) => total + row.variance, 0);
  const moved = all.filter((row) => row.moves > 0);
  const memory = Math.ceil(Math.max(...all.map((row) => row.memory)));
  const acceptance = Math.min(...moved.map((row) => row.acceptance));
  const short = moved.length === 0 ? undefined : chainsTooShort(n / chains, memory, acceptance);
  const { logNormalizer: value } = smc.runs[0]!;
  return {
    normalizer: { value, standardError: variance > 0 ? Math.sqrt(variance) : Number.NaN, method: 'chains' },
    mean,
    standardError: known(standardError),
    warnings: short === undefined ? [] : [short],
  };
}

function byGenealogy({ smc }: PopulationState, plan: PopulationPlan, { points, logWeight }: Sample): OneRun {
  const eves: Families = { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings };
  const weight = normalizedWeight(logWeight);
  const variance = varianceOfLogNormalizer(weight, eves, plan.scheme);
  const { value: mean, standardError, warnings } = standardErrorOfMean(weight, points, eves);
  const none = Number.isNaN(variance.standardError);
  return {
    normalizer: {
      value: smc.runs[0]!.logNormalizer,
      standardError: variance.standardError || Number.NaN,
      method: none ? 'none' : variance.method,
    },
    mean,
    standardError: known(standardError),
    // Both would say that families are few.
    warnings: [...variance.warnings, ...warnings].slice(0, 1),
  };
}

/** Several runs, each counting by its normalizing constant; errors from their spread. */
function several({ smc }: PopulationState, plan: PopulationPlan, { points, logWeight }: Sample): Told {
  const { particles: n, runs } = plan;
  const { mean, covariance } = weightedMoments(points, logWeight);
  const weight = normalizedWeight(logWeight);
  const d = mean.length;
  const squares = new Float64Array(d);
  for (let r = 0; r < runs; r++) {
    const share = weight.subarray(r * n, (r + 1) * n).reduce((sum, w) => sum + w, 0);
    for (let c = 0; c < d; c++) {
      let off = 0;
      for (let i = r * n; i < (r + 1) * n; i++)
        if (weight[i]! > 0) off += weight[i]! * (points[i * d + c]! - mean[c]!);
      // The jackknife: without run r the mean is off by this much.
      squares[c] = squares[c]! + (off / (1 - share)) ** 2;
    }
  }
  const standardError = known(squares.map((s) => Math.sqrt((s * (runs - 1)) / runs)));
  const spread = combinedLogNormalizer(Float64Array.from(smc.runs, (run) => run.logNormalizer));
  const method = Number.isNaN(spread.standardError) ? 'none' : 'replicates';
  return { normalizer: { ...spread, method }, mean, standardError, covariance, warnings: [] };
}

/** NaN for what is not a positive number: no error is ever 0. */
function known(standardError: Float64Array): Float64Array {
  return standardError.map((s) => (s > 0 && s < Infinity ? s : Number.NaN));
}

/** Every run has collapsed. */
function nothing({ prior }: PopulationPlan): Told {
  const none = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);
  const { dimension: d } = prior.law;
  return {
    normalizer: { value: -Infinity, standardError: Number.NaN, method: 'none' },
    mean: none(d),
    standardError: none(d),
    covariance: none(d * d),
    warnings: [],
  };
}

function allDead({ smc }: PopulationState): Outcome {
  const message = `No particle has a positive likelihood at step ${smc.runs[0]!.collapsedAt}. Use more particles, or a prior that reaches where the likelihood is.`;
  return { kind: 'degenerate', ess: 0, message };
}
