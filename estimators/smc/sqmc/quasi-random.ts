import type { Backend } from '../../../engine/backend/backend.ts';
import { type CurveOrder, makeHilbertOrder } from '../../../engine/particles/hilbert-order.ts';
import { quantise } from '../../../engine/particles/integer-weights.ts';
import type { FieldSpecs } from '../../../engine/particles/particles.ts';
import type { NoiseSource, Selection } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeWeigher } from '../../../engine/particles/weigher.ts';
import { directionNumbers } from '../../../engine/random/directions.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import { scrambleWords } from '../../../engine/random/sobol.ts';
import type { Source } from '../../../engine/types.ts';

/*
 * Sequential quasi-Monte Carlo: each step of the loop uses one randomised Sobol' point set instead of random numbers.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | u_t = (u^0, u^1..u^k), N points of step t | points | [N, k + 1] |
 * | sigma, the order along the Hilbert curve | order | [N] |
 * | C, cumulative weights in that order | cumulative | [N] |
 *
 *   t = 0:  z_i = normal quantile of the first k coordinates of point i
 *   t > 0:  A_i = sigma(smallest j with C_j >= u^0_i);  z_i = normal quantile of u^1_i .. u^k_i
 *
 * Every step is resampled. Each point alone is uniform and the scrambles of the steps are independent, so given the
 * particles of a step the next ones have the law that independent draws would have, one by one: the estimate of the
 * normalizing constant is unbiased, as in a particle filter. Its points are not independent of each other, so nothing of
 * one run tells its variance; independent scrambles do.
 *
 * Points of step t: the scramble `replicate = t` of the run's child key (TAG.pointSet, 0), nested uniform in hash form.
 * Departures from the paper: points are not sorted by u^0, which only renumbers the particles; weighted mean and
 * standard deviation place the particles in the unit cube.
 */

export const SQMC_SOURCES: readonly Source[] = [
  {
    authors: 'Gerber, M. & Chopin, N.',
    year: 2015,
    title: 'Sequential quasi Monte Carlo',
    reference: 'Journal of the Royal Statistical Society B 77(3), 509-579',
  },
];

export interface QuasiRandomOptions<F extends FieldSpecs> {
  readonly backend: Backend;
  /** N; a power of two for balanced points. */
  readonly particles: number;
  /** k, normals a particle takes at each step. */
  readonly noise: number;
  /** The field by which particles are neighbours, and its components d. */
  readonly field: keyof F & string;
  readonly dimension: number;
}

/** Hooks of the loop that make it quasi-random; to be used with `threshold: 1`. */
export interface QuasiRandom<F extends FieldSpecs> {
  readonly hooks: { readonly select: Selection<F>; readonly noise: NoiseSource };
  release(): void;
}

/** Mode of the kernel `sobolPoints`: nested uniform scramble in hash form. */
const OWEN = 1;

/** @throws OptionError above 62 dimensions, where a curve through space says nothing. */
export async function quasiRandom<F extends FieldSpecs>(
  options: QuasiRandomOptions<F>,
): Promise<QuasiRandom<F>> {
  const { backend, particles: n, noise: k, field, dimension } = options;
  const along: CurveOrder = makeHilbertOrder(n, dimension);
  const width = k + 1;
  const numbers = await directionNumbers(width);
  const arena = backend.arena();
  const directions = arena.u32(numbers.length);
  directions.set(numbers);
  const words = arena.u32(4 * width);
  const points = arena.f64(n * width);
  const weigher = makeWeigher(backend, arena, n);
  const q = arena.f64(n);
  const cumulative = arena.f64(n);
  const u = arena.f64(n);
  const order = new Uint32Array(n);
  const place = arena.u32(n);

  const fillPoints = async (step: number, rng: Rng): Promise<void> => {
    words.set(scrambleWords(width, rng.child(TAG.pointSet, 0), step));
    await backend.dispatch('sobolPoints', [directions, words, OWEN, width, points, 0], n);
  };

  const select: Selection<F> = async (step, population, ancestor, logWeight) => {
    await weigher.weigh(logWeight);
    const { sum } = weigher.spend();
    const { weight, partial } = weigher;
    along(population.field(field), weight, order);
    for (let j = 0; j < n; j++) q[j] = weight[order[j]!]!;
    const { total } = await quantise(backend, { q, cumulative, partial }, n, sum, 1);
    await fillPoints(step, population.rng);
    for (let i = 0; i < n; i++) u[i] = points[i * width]!;
    await backend.dispatch('searchAncestors', [cumulative, total, n, u, place], n);
    for (let i = 0; i < n; i++) ancestor[i] = order[place[i]!]!;
  };

  const noise: NoiseSource = async (step, run, normals) => {
    await fillPoints(step, run.rng);
    const first = step === 0 ? 0 : 1;
    for (let i = 0; i < n; i++)
      for (let c = 0; c < k; c++) normals[i * k + c] = points[i * width + first + c]!;
    await backend.dispatch('normalQuantiles', [normals, normals], n * k);
  };

  return { hooks: { select, noise }, release: () => arena.release() };
}
