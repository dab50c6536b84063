import { spaced } from '../../../engine/check.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Ending, Info, Sample } from '../../../engine/sampler.ts';
import type { Estimate, Outcome, Warning } from '../../../engine/types.ts';
import type { StateFields } from '../state-space.ts';
import { type Combined, combineMeans, combineMoments } from './combine-runs.ts';
import { alive } from './smoother-passes.ts';
import type { SmootherPlan } from './smoother-plan.ts';
import type { SmootherState } from './smoother-state.ts';
import type { SmootherResult } from './smoother-types.ts';

/** Paths through fewer distinct particles than this say little; a tenth of the paths where there are few. */
const FEWEST_PARTICLES = 20;
/** Least share of ancestors that should differ from the filter's own. */
const LEAST_MOVED = 0.05;
/** Most draws that should run out of trials. */
const MOST_FALLBACKS = 0.1;

/** log of the normalizing constant of each run, [R]. */
export function logNormalizersOf(smc: Smc<StateFields>): Float64Array {
  return Float64Array.from(smc.runs, ({ logNormalizer }) => logNormalizer);
}

export function infoOf(state: SmootherState, plan: SmootherPlan, warnings: readonly Warning[]): Info {
  const { smc, record, at } = state;
  const { steps, method } = plan;
  const back = method === 'fixed-lag' || !smc.finished ? 0 : steps - 1 - at;
  const filterEss = smc.runs.reduce((least, { ess }) => Math.min(least, ess), Infinity);
  return {
    ess: Number.isFinite(record.pathEss) ? record.pathEss : filterEss,
    evaluations: smc.evaluations,
    warnings,
    done: smc.step + 1 + back,
    total: method === 'fixed-lag' ? steps : 2 * steps,
  };
}

export function answer(state: SmootherState, plan: SmootherPlan, ending: Ending): SmootherResult {
  const { smc, record, tally } = state;
  const logNormalizers = logNormalizersOf(smc);
  const { mean, variance } = combineMoments(record.mean, record.variance, logNormalizers);
  const names = plan.functional?.names ?? [];
  const over = smc.finished && state.at < 0;
  const functional = over ? record.functional.slice() : record.functional.map(() => Number.NaN);
  const sums = combineMeans(functional, logNormalizers);
  const { draws, proposals, accepted, fallbacks } = tally;
  return {
    ...ending,
    estimate: joined(combinedLogNormalizer(logNormalizers), names, sums),
    sample: sampleOf(state, plan, over, logNormalizers),
    outcome: outcomeOf(state, plan, ending.outcome),
    diagnostics: infoOf(state, plan, warningsOf(state, plan)),
    mean,
    variance,
    functional: { names, ...sums },
    runs: { logNormalizer: logNormalizers, mean: record.mean.slice(), functional },
    pathEss: Number.isFinite(record.pathEss) ? record.pathEss : Number.NaN,
    acceptance: accepted / proposals,
    fallbackShare: fallbacks / draws,
  };
}

/** log Z and the sums of a functional as one estimate. */
export function joined(
  logNormalizer: { readonly value: number; readonly standardError: number },
  names: readonly string[],
  sums: Combined,
): Estimate {
  return {
    names: ['logNormalizer', ...names],
    value: Float64Array.of(logNormalizer.value, ...sums.value),
    standardError: Float64Array.of(logNormalizer.standardError, ...sums.standardError),
  };
}

/** Paths where they are complete, else the particles of the filter. Weights are those within a run times Z of the run. */
function sampleOf(
  { smc, record }: SmootherState,
  { paths, steps, dimension, runs, particles: n, method }: SmootherPlan,
  over: boolean,
  logNormalizers: Float64Array,
): Sample {
  if (over && method !== 'fixed-lag') {
    const logWeight = new Float64Array(runs * paths);
    for (let at = 0; at < logWeight.length; at++) {
      logWeight[at] = logNormalizers[Math.floor(at / paths)]!;
      if (method === 'genealogy') logWeight[at]! += withinRun(smc, n, at);
    }
    return { points: record.paths.slice(), shape: [runs * paths, steps * dimension], logWeight };
  }
  return filterSample(smc, dimension, logNormalizers);
}

/** The particles of all runs at the last step of the filter, [R N, d]. */
export function filterSample(smc: Smc<StateFields>, dimension: number, logNormalizers: Float64Array): Sample {
  const points = smc.step < 0 ? new Float64Array(0) : smc.particles.field('x').slice();
  const rows = points.length / dimension;
  const logWeight = Float64Array.from(
    { length: rows },
    (_, at) => logNormalizers[Math.floor(at / smc.count)]! + withinRun(smc, smc.count, at),
  );
  return { points, shape: [rows, dimension], logWeight };
}

/** log-weight of particle `at` of all runs, normalised so that its run has mean 1; -Infinity in a run that collapsed. */
function withinRun(smc: Smc<StateFields>, n: number, at: number): number {
  const { max, sum } = smc.summary(Math.floor(at / n));
  return sum === 0 ? -Infinity : smc.particles.logWeight[at]! - max - Math.log(sum / n);
}

function outcomeOf(state: SmootherState, plan: SmootherPlan, outcome: Outcome): Outcome {
  const { smc } = state;
  if (plan.steps === 0 || alive(state).length > 0) return outcome;
  const step = Math.max(...smc.runs.map(({ collapsedAt }) => collapsedAt ?? -1));
  return { kind: 'degenerate', ess: 0, message: collapseMessage(step) };
}

/** What there is to say when no run is left. */
export function collapseMessage(step: number): string {
  return `No particle was left alive at step ${step}, so there is nothing to smooth. Use more particles, or a proposal that looks at the observation.`;
}

function warningsOf(state: SmootherState, plan: SmootherPlan): readonly Warning[] {
  const { smc, record, tally, leastMoved, leastMovedAt } = state;
  const warnings: Warning[] = [];
  const fewest = Math.min(FEWEST_PARTICLES, plan.paths / 10);
  if (record.pathEss < fewest) {
    warnings.push({
      code: 'paths-coalesce',
      message: `At step ${record.pathEssAt} the ${spaced(plan.paths)} paths of a run pass through ${record.pathEss.toPrecision(2)} particles in effect (warned below ${fewest}). What is said of that step rests on those few. ${coalesceFix(plan)}`,
      value: record.pathEss,
      threshold: fewest,
    });
  }
  if (plan.method === 'mcmc' && leastMoved < LEAST_MOVED) {
    warnings.push({
      code: 'backward-moves-rejected',
      message: `At step ${leastMovedAt} only ${percent(leastMoved)} of the paths left the filter's own ancestors (warned below ${percent(LEAST_MOVED)}). Paths merge there as in the genealogy. Use more moves (${spaced(plan.moves)} now), or method: 'exact'.`,
      value: leastMoved,
      threshold: LEAST_MOVED,
    });
  }
  const fallback = fallbackWarning(tally.fallbacks, tally.draws, plan.maxTrials);
  if (fallback !== undefined) warnings.push(fallback);
  const unsupported = unsupportedWarning(tally.unsupported, tally.draws);
  if (unsupported !== undefined) warnings.push(unsupported);
  const uneven = unevenWarning(logNormalizersOf(smc));
  if (uneven !== undefined) warnings.push(uneven);
  return warnings;
}

function coalesceFix({ method }: SmootherPlan): string {
  if (method === 'genealogy') return "Use method: 'mcmc'.";
  return method === 'fixed-lag' ? 'Use a shorter lag, or more particles.' : 'Use more particles.';
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

/** Rejection that often ran out of trials. */
export function fallbackWarning(fallbacks: number, draws: number, maxTrials: number): Warning | undefined {
  const share = fallbacks / draws;
  if (!(share > MOST_FALLBACKS)) return undefined;
  return {
    code: 'backward-fallbacks',
    message: `${percent(share)} of the ancestors were not accepted in ${spaced(maxTrials)} trials and were drawn exactly, at cost N each (warned above ${percent(MOST_FALLBACKS)}). The law is the same; it only takes longer.`,
    value: share,
    threshold: MOST_FALLBACKS,
  };
}

/** Particles that no parent can have led to, by the transition density. */
export function unsupportedWarning(unsupported: number, draws: number): Warning | undefined {
  if (unsupported === 0) return undefined;
  return {
    code: 'transition-without-support',
    message: `logTransition says that ${spaced(unsupported)} of ${spaced(draws)} particles cannot have come from where the filter had them from; their own parents were kept. Check that logTransition is the law of \`transition\`.`,
    value: unsupported,
    threshold: 0,
  };
}

/** Runs of which a few outweigh the others. */
export function unevenWarning(logNormalizers: Float64Array): Warning | undefined {
  const runs = logNormalizers.length;
  const largest = Math.max(...logNormalizers);
  if (runs < 4 || largest === -Infinity) return undefined;
  let [sum, squares] = [0, 0];
  for (const logZ of logNormalizers) {
    const z = Math.exp(logZ - largest);
    sum += z;
    squares += z * z;
  }
  const effective = (sum * sum) / squares;
  if (effective >= runs / 2) return undefined;
  return {
    code: 'runs-uneven',
    message: `The ${runs} runs, weighted by their normalizing constants, count as ${effective.toPrecision(2)} (warned below half). Standard errors from so few are rough. Use more particles in each.`,
    value: effective,
    threshold: runs / 2,
  };
}
