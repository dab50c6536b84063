import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import type { MultivariateLaw } from '../../engine/distribution/multivariate.ts';
import type {
  ChainStates,
  KernelChoice,
  KernelContext,
  MarkovKernel,
  MoveTarget,
} from '../../engine/kernel/kernel.ts';
import { tempered } from '../../engine/kernel/kernel.ts';
import { lawGradient } from '../../engine/kernel/law-gradient.ts';
import type { DensityWithGradient } from '../../engine/model/log-density.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

/** A prior law and a likelihood with its gradient. */
export interface Problem {
  readonly prior: MultivariateLaw;
  readonly likelihood: DensityWithGradient;
  readonly inverseTemperature: number;
}

export function targetOf({ prior, likelihood, inverseTemperature }: Problem): MoveTarget {
  const d = prior.dimension;
  const scored = lawGradient(prior);
  return {
    dimension: d,
    ...tempered(inverseTemperature),
    logPrior(x, n, out, gradient) {
      const [points, values] = [x.subarray(0, n * d), out.subarray(0, n)];
      if (gradient === undefined) return prior.logDensity(points, values);
      return scored!.gradient(points, values, gradient.subarray(0, n * d));
    },
    logLikelihood(x, n, out, gradient) {
      const [points, values] = [x.subarray(0, n * d), out.subarray(0, n)];
      if (gradient === undefined) return likelihood.logDensity(points, values);
      return likelihood.gradient(points, values, gradient.subarray(0, n * d));
    },
  };
}

/** Chains at given points, evaluated. */
export async function chainsAt(x: Float64Array, target: MoveTarget, gradient: boolean): Promise<ChainStates> {
  const count = x.length / target.dimension;
  const logPrior = new Float64Array(count);
  const logLikelihood = new Float64Array(count);
  const slopes = (): Float64Array | undefined => (gradient ? new Float64Array(x.length) : undefined);
  const [priorGradient, likelihoodGradient] = [slopes(), slopes()];
  await target.logPrior(x, count, logPrior, priorGradient);
  await target.logLikelihood(x, count, logLikelihood, likelihoodGradient);
  const states = { count, x, logPrior, logLikelihood };
  return priorGradient === undefined || likelihoodGradient === undefined
    ? states
    : { ...states, priorGradient, likelihoodGradient };
}

export function contextOf(
  dimension: number,
  more: Partial<KernelContext> & { readonly backend?: Backend } = {},
): KernelContext {
  const signal = new AbortController().signal;
  return { where: 'test', backend: jsBackend(), signal, dimension, gradient: true, ...more };
}

export function openFor(
  choice: KernelChoice,
  problem: Problem,
  more: Partial<KernelContext> = {},
): MarkovKernel {
  return choice.open(contextOf(problem.prior.dimension, { prior: problem.prior, ...more }));
}

/** n exact draws of a law, [n, d]. */
export function drawsOf(law: MultivariateLaw, n: number, seed: number): Float64Array {
  const rng = rngFromSeed(seed);
  const u = new Float64Array(n * law.dimension);
  for (let i = 0; i < n; i++) {
    const stream = rng.stream({ purpose: 40, particle: i });
    for (let c = 0; c < law.dimension; c++) u[i * law.dimension + c] = stream.uniform();
  }
  const x = new Float64Array(u.length);
  law.transport(u, x);
  return x;
}
