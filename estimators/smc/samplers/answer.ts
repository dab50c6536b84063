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
import type { FilterRuns } from '../filter/filter-types.ts';
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
  const own = smc.runs.map((_, r) => ownError(state, plan, r));
  const alive = dead.length < plan.runs;
  const some = (): Told =>
    plan.runs === 1 ? one(state, plan, sample, own[0]!) : several(state, plan, sample);
  const told = alive ? some() : nothing(plan);
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
    outcome: alive ? ending.outcome : allDead(state),
    diagnostics: { ...info, ess: ess(sample.logWeight), warnings },
    provenance: toldPlace(ending.provenance, likelihood.place),
    logNormalizer,
    runs: runsOf(state, own),
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

/** Error of log Z of one run from itself. */
interface OwnError {
  readonly standardError: number;
  readonly method: SamplerNormalizer['method'];
  readonly warnings: readonly Warning[];
}

function ownError(state: PopulationState, plan: PopulationPlan, r: number): OwnError {
  const { smc, rows } = state;
  const run = smc.runs[r]!;
  if (run.collapsedAt !== undefined) return { standardError: Number.NaN, method: 'none', warnings: [] };
  if (plan.chains < plan.particles) return errorOfChains(rows[r]!, plan);
  const eves: Families = { family: smc.eve(r), resamplings: run.resamplings };
  const weight = normalizedWeight(smc.population(r).logWeight);
  const { standardError, method, warnings } = varianceOfLogNormalizer(weight, eves, plan.scheme);
  const none = Number.isNaN(standardError);
  return { standardError: standardError || Number.NaN, method: none ? 'none' : method, warnings };
}

function errorOfChains(rows: readonly Row[], { particles, chains }: PopulationPlan): OwnError {
  const variance = rows.reduce((total, row) => total + row.variance, 0);
  const moved = rows.filter((row) => row.moves > 0);
  const memory = Math.ceil(Math.max(...rows.map((row) => row.memory)));
  const acceptance = Math.min(...moved.map((row) => row.acceptance));
  const short = moved.length === 0 ? undefined : chainsTooShort(particles / chains, memory, acceptance);
  const standardError = variance > 0 ? Math.sqrt(variance) : Number.NaN;
  return { standardError, method: 'chains', warnings: short === undefined ? [] : [short] };
}

function runsOf({ smc }: PopulationState, own: readonly OwnError[]): FilterRuns {
  return {
    logNormalizer: Float64Array.from(smc.runs, (run) => run.logNormalizer),
    standardError: Float64Array.from(own, ({ standardError }) => standardError),
    ess: Float64Array.from(smc.runs, (run) => run.ess),
    collapsedAt: Int32Array.from(smc.runs, (run) => run.collapsedAt ?? -1),
  };
}

/** One run, with errors from itself. */
function one(
  state: PopulationState,
  plan: PopulationPlan,
  { points, logWeight }: Sample,
  own: OwnError,
): Told {
  const { smc, rows } = state;
  const { mean, covariance } = weightedMoments(points, logWeight);
  const weight = normalizedWeight(logWeight);
  const { logNormalizer: value, resamplings } = smc.runs[0]!;
  const normalizer = { value, standardError: own.standardError, method: own.method };
  const { particles: n, chains } = plan;
  if (chains < n) {
    // At the first step the points are independent.
    const { standardError } = chainMeans(weight, points, rows[0]!.length === 1 ? n : chains);
    return { normalizer, mean, standardError: known(standardError), covariance, warnings: own.warnings };
  }
  const error = standardErrorOfMean(weight, points, { family: smc.eve(0), resamplings });
  // Both would say that families are few.
  const warnings = [...own.warnings, ...error.warnings].slice(0, 1);
  return { normalizer, mean, standardError: known(error.standardError), covariance, warnings };
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
