import type { Backend } from '../../../engine/backend/backend.ts';
import { drawPoints } from '../../../engine/distribution/sample.ts';
import { DegeneracyError } from '../../../engine/errors.ts';
import type { ChainStates, DensityRows, MarkovKernel, MoveTarget } from '../../../engine/kernel/kernel.ts';
import { type Repetition, repeatMoves } from '../../../engine/kernel/repeat.ts';
import { ess, logMeanExp } from '../../../engine/particles/log-weight.ts';
import { resample } from '../../../engine/particles/resample.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { temperingStep } from '../../../engine/particles/tempering.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import type { OpenedPrior } from './prior.ts';

/*
 * An ensemble that keeps the particles of all its generations. Generation s was drawn from gamma_s / Z_s, so at step t all
 * t N points are weighed as if drawn from the mixture of the targets so far:
 *
 *   w_i = L(x_i)^lambda_t / ((1/t) sum_{s < t} L(x_i)^lambda_s / Z_s),   Z_t = mean of w
 */

/** What all runs of an ensemble share. */
export interface EnsembleSettings {
  readonly where: string;
  readonly backend: Backend;
  readonly prior: OpenedPrior;
  readonly likelihood: DensityRows;
  readonly particles: number;
  readonly moveCount: Repetition;
  readonly scheme: SchemeName;
  readonly essFraction: number;
}

/** One generation and the target at which it was drawn. */
export interface Generation {
  /** lambda_s, and log Z_s. */
  readonly inverseTemperature: number;
  readonly logNormalizer: number;
  /** Effective size of all points under that target, when it was chosen; N for the prior. */
  readonly ess: number;
  readonly moves: number;
  readonly acceptance: number;
}

/** One run. Arrays hold the points of all generations, t N rows. */
export interface Ensemble {
  readonly rng: Rng;
  readonly kernel: MarkovKernel;
  /** [N] chains, in an arena. */
  readonly chains: ChainStates;
  x: Float64Array;
  logPrior: Float64Array;
  logLikelihood: Float64Array;
  /** [t N] under the target chosen last. */
  logWeight: Float64Array;
  readonly generations: Generation[];
  /** Steps in a row without headway. */
  small: number;
  over: boolean;
}

/** Generation 0: the prior. */
export async function startEnsemble(ensemble: Ensemble, settings: EnsembleSettings): Promise<void> {
  const { prior, likelihood, particles: n } = settings;
  const { chains } = ensemble;
  chains.x.set(drawPoints(prior.law, ensemble.rng, n));
  await prior.rows(chains.x, n, chains.logPrior);
  await likelihood(chains.x, n, chains.logLikelihood);
  append(ensemble, { inverseTemperature: 0, logNormalizer: 0, ess: n, moves: 0, acceptance: Number.NaN });
}

/** Choose the next target, weigh all points, and unless it is the last draw and move the next generation. */
export async function advanceEnsemble(ensemble: Ensemble, settings: EnsembleSettings): Promise<void> {
  const { particles: n, scheme, backend } = settings;
  const { generations, kernel, chains, rng } = ensemble;
  const step = generations.length;
  const inverseTemperature = aim(ensemble, settings);
  const logNormalizer = logMeanExp(ensemble.logWeight);
  const size = ess(ensemble.logWeight);
  if (inverseTemperature === 1 || logNormalizer === -Infinity) {
    generations.push({ inverseTemperature, logNormalizer, ess: size, moves: 0, acceptance: Number.NaN });
    ensemble.over = true;
    return;
  }
  kernel.tune(ensemble);
  const { logWeight } = ensemble;
  const { ancestor } = await resample({ logWeight, rng, particles: n, scheme, step, backend });
  gather(ensemble, ancestor);
  const target = moveTarget(settings, inverseTemperature);
  if (chains.priorGradient !== undefined) {
    await target.logPrior(chains.x, n, chains.logPrior, chains.priorGradient);
    await target.logLikelihood(chains.x, n, chains.logLikelihood, chains.likelihoodGradient);
  }
  const moved = await repeatMoves(kernel, settings.moveCount, chains, target, { rng, step, move: 0 });
  const { moves, acceptance } = moved;
  append(ensemble, { inverseTemperature, logNormalizer, ess: size, moves, acceptance });
}

/** The next inverse temperature, with the weights of all points under it. */
function aim(ensemble: Ensemble, { where, essFraction, particles: n }: EnsembleSettings): number {
  const { logLikelihood, logWeight, generations } = ensemble;
  const { inverseTemperature: last } = generations.at(-1)!;
  const fraction = Math.min((essFraction * n) / logWeight.length, MOST_FRACTION);
  const step = temperingStep({
    ...{ logWeight, logLikelihood, remaining: 1 - last, criterion: 'ess' },
    essFraction: fraction,
  });
  const next = step.kind === 'last' ? 1 : last + step.delta;
  ensemble.small = step.kind === 'step' && step.delta < LEAST_STEP ? ensemble.small + 1 : 0;
  if (ensemble.small >= 2) throw stalled(where, last, step.size, logWeight.length);
  // Points of likelihood 0 belong to the prior alone, also when they are sorted out at lambda = 0.
  ensemble.logWeight = logWeight.map((l, i) =>
    logLikelihood[i] === -Infinity ? -Infinity : l + (next - last) * logLikelihood[i]!,
  );
  return next;
}

/** Part of all points that a step leaves at most, however large `essFraction` is. */
const MOST_FRACTION = 0.9;
const LEAST_STEP = 1e-10;

/** log (1/t) sum_s L^lambda_s / Z_s at every point. */
function logMixture(logLikelihood: Float64Array, generations: readonly Generation[]): Float64Array {
  const count = generations.length;
  return logLikelihood.map((l) => {
    let most = -Infinity;
    for (const at of generations) most = Math.max(most, component(l, at));
    let sum = 0;
    for (const at of generations) sum += exp(component(l, at) - most);
    return most + log(sum / count);
  });
}

function component(l: number, { inverseTemperature: lambda, logNormalizer }: Generation): number {
  return (lambda === 0 ? 0 : lambda * l) - logNormalizer;
}

function moveTarget({ prior, likelihood }: EnsembleSettings, lambda: number): MoveTarget {
  return {
    dimension: prior.law.dimension,
    logPrior: prior.rows,
    logLikelihood: likelihood,
    // Also at lambda = 0: chains that were selected stay where the likelihood is positive.
    factor: (l) => (l === -Infinity ? -Infinity : lambda * l),
    slope: lambda,
  };
}

function gather({ chains, x, logPrior, logLikelihood }: Ensemble, ancestor: Uint32Array): void {
  const d = chains.x.length / chains.count;
  for (let i = 0; i < chains.count; i++) {
    const from = ancestor[i]!;
    for (let c = 0; c < d; c++) chains.x[i * d + c] = x[from * d + c]!;
    chains.logPrior[i] = logPrior[from]!;
    chains.logLikelihood[i] = logLikelihood[from]!;
  }
}

function append(ensemble: Ensemble, generation: Generation): void {
  const { chains } = ensemble;
  ensemble.x = joined(ensemble.x, chains.x);
  ensemble.logPrior = joined(ensemble.logPrior, chains.logPrior);
  ensemble.logLikelihood = joined(ensemble.logLikelihood, chains.logLikelihood);
  ensemble.generations.push(generation);
  const { logLikelihood, generations } = ensemble;
  const mixture = logMixture(logLikelihood, generations);
  const { inverseTemperature: lambda } = generation;
  ensemble.logWeight = logLikelihood.map((l, i) => {
    if (l === -Infinity) return generations.length > 1 ? -Infinity : -mixture[i]!;
    return lambda * l - mixture[i]!;
  });
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function stalled(where: string, lambda: number, size: number, points: number): DegeneracyError {
  return new DegeneracyError({
    where,
    found: `tempering stalled at inverse temperature ${lambda}: two steps in a row below ${LEAST_STEP} (effective size ${Number(size.toPrecision(3))} of ${points})`,
    expected: 'log likelihoods near enough to each other for a step',
    fix: 'Start from a prior nearer to the likelihood.',
  });
}
