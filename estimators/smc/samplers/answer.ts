import { chainMeans, chainsTooShort } from '../../../engine/diagnostics/chain-variance.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  type Families,
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../../engine/diagnostics/genealogy-variance.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { ess, normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import { known, pooledMoments } from '../../../engine/particles/smc/pooled-moments.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Estimate, Outcome, Warning } from '../../../engine/types.ts';
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
  const dead = smc.runs.filter((run) => run.collapsedAt !== undefined).length;
  const points = smc.particles.field('x').slice() as Float64Array;
  const shape = [smc.particles.count, plan.prior.law.dimension] as const;
  const sample: Sample = { points, shape, logWeight: pooledLogWeight(smc) };
  const ends = smc.runs.map((_, r) => (r + 1) * smc.count);
  const { mean, covariance, standardError: spread } = pooledMoments(sample, ends);
  const own = smc.runs.map((_, r) => ownError(state, plan, r));
  const normalizer = { ...normalizerOf(state, own), unbiased: fixedTargets && plan.unbiasedMoves };
  const single = plan.runs === 1 && dead === 0 ? errorOfMean(state, plan, sample) : undefined;
  const standardError = single?.standardError.map(known) ?? spread;
  // Log Z and the means may both say that families are few.
  const noted = plan.runs === 1 ? [...own[0]!.warnings, ...(single?.warnings ?? [])].slice(0, 1) : [];
  const first = rows[0]!;
  return {
    estimate: {
      names: ['logNormalizer', ...plan.prior.names],
      value: Float64Array.of(normalizer.value, ...mean),
      standardError: Float64Array.of(normalizer.standardError, ...standardError),
    },
    sample,
    outcome: dead === plan.runs ? allDead(smc.runs[0]!.collapsedAt!) : ending.outcome,
    diagnostics: {
      ...info,
      ess: ess(sample.logWeight),
      warnings: [...collapse(dead, plan), ...noted, ...populationWarnings(rows, sample, plan)],
    },
    provenance: toldPlace(ending.provenance, likelihood.place),
    logNormalizer: normalizer,
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

/** What a result says of its target. */
type Answered = Pick<PopulationResult, 'estimate' | 'logNormalizer' | 'mean' | 'covariance'>;

/**
 * A result before all runs have come to the one target that its numbers are about: NaN in place of what would pass for the
 * answer. `path`, `runs` and the sample say how far the runs are.
 */
export function underWay<R extends Answered>(result: R): R {
  const blank = (numbers: Float64Array): Float64Array => numbers.map(() => Number.NaN);
  const { estimate, mean, covariance } = result;
  const none = (all: Estimate): Estimate => ({
    names: all.names,
    value: blank(all.value),
    standardError: blank(all.standardError),
  });
  return {
    ...result,
    estimate: none(estimate),
    logNormalizer: { value: Number.NaN, standardError: Number.NaN, method: 'none', unbiased: false },
    mean: none(mean),
    covariance: blank(covariance),
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

/** From the spread of several runs, or from the one there is. */
function normalizerOf(
  { smc }: PopulationState,
  own: readonly OwnError[],
): Omit<SamplerNormalizer, 'unbiased'> {
  const { value, standardError } = combinedLogNormalizer(
    Float64Array.from(smc.runs, (run) => run.logNormalizer),
  );
  if (own.length === 1) return { value, standardError: own[0]!.standardError, method: own[0]!.method };
  return { value, standardError, method: Number.isNaN(standardError) ? 'none' : 'replicates' };
}

/** Standard errors of the means of a single run. */
function errorOfMean(
  { smc, rows }: PopulationState,
  { particles: n, chains }: PopulationPlan,
  { points, logWeight }: Sample,
): { readonly standardError: Float64Array; readonly warnings: readonly Warning[] } {
  const weight = normalizedWeight(logWeight);
  // At the first step the points of chains are independent too.
  if (chains < n) return { ...chainMeans(weight, points, rows[0]!.length === 1 ? n : chains), warnings: [] };
  return standardErrorOfMean(weight, points, { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings });
}

/** The outcome when no run lives. `step`: where the first one ended. */
export function allDead(step: number): Outcome {
  const message = `No particle has a positive likelihood at step ${step}. Use more particles, or a prior that reaches where the likelihood is.`;
  return { kind: 'degenerate', ess: 0, message };
}
