import { checkOneOf, MOST_BYTES, spaced } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import { checkSmcMemory, type SmcSize, smcBytes } from '../../../engine/particles/smc/memory.ts';
import type { OpenedPrior } from '../samplers/prior.ts';
import type { ParameterModels } from './parameter-models.ts';

/**
 * Chains of (theta, Z-hat) follow the posterior because Z-hat is unbiased.
 * @throws OptionError for a scheme under which it is not.
 */
export function checkUnbiasedScheme(where: string, scheme: SchemeName): void {
  const unbiased = SCHEME_NAMES.filter((name) => RESAMPLING_SCHEMES[name].unbiased);
  checkOneOf(where, 'scheme', scheme, unbiased);
}

/** What chains keep: draws after the warm-up and within it, in numbers for each chain. */
export interface KeptDraws {
  readonly chains: number;
  readonly iterations: number;
  readonly warmup: number;
  /** Numbers of one draw that is kept, and of one of the warm-up. */
  readonly width: number;
  readonly warmupWidth: number;
}

/** @throws OptionError when the draws need more memory than there is. */
export function checkDraws(where: string, kept: KeptDraws): void {
  const { chains, iterations, warmup, width, warmupWidth } = kept;
  const bytes = 8 * chains * (iterations * width + warmup * warmupWidth);
  if (bytes <= MOST_BYTES) return;
  throw new OptionError({
    where,
    option: 'iterations',
    value: iterations,
    found: `${spaced(iterations)} draws of ${chains} chains after ${spaced(warmup)} of warm-up need ${gibibytes(bytes)} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: 'Use fewer iterations, or fewer chains.',
  });
}

/** theta in the middle of the prior, which tells what the models look like that all theta have in common. */
export function middleOf({ names, law }: OpenedPrior): Float64Array {
  const half = new Float64Array(names.length).fill(0.5);
  law.transport(half, half);
  return half;
}

/** Filters side by side in one flat run. */
type FlatRun = Pick<SmcSize, 'scheme' | 'history'> & { readonly particles: number; readonly runs: number };

/**
 * @param theta where a model shows how long its states are; undefined where none is known yet: they count as one number.
 * @throws OptionError when the filters need more memory than there is; what `models` throws.
 */
export function checkFilterMemory(
  where: string,
  models: ParameterModels,
  theta: Float64Array | undefined,
  run: FlatRun,
): void {
  checkSmcMemory(where, { ...shapeOf(models, theta), ...run });
}

function shapeOf(
  models: ParameterModels,
  theta: Float64Array | undefined,
): Pick<SmcSize, 'fields' | 'noise' | 'steps'> {
  const { steps } = models;
  if (theta === undefined) return { fields: { x: { components: 1 } }, noise: 0, steps };
  const { fields, noise = 0 } = models.filter(theta);
  return { fields, noise, steps };
}

/** @throws OptionError when the normals that the filters of chains share need more memory than there is. */
export function checkSharedNoise(
  where: string,
  models: ParameterModels,
  theta: Float64Array,
  { particles, runs: chains }: FlatRun,
): void {
  const { noise = 0 } = models.filter(theta, true);
  // Those of the filter that a chain holds, and of the one it tries.
  const bytes = 16 * chains * models.steps * (particles * noise + 1);
  if (bytes <= MOST_BYTES) return;
  throw new OptionError({
    where,
    option: 'correlation',
    value: particles,
    found: `the normals of ${spaced(particles)} particles over ${spaced(models.steps)} steps in ${spaced(chains)} chains need ${gibibytes(bytes)} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: `Try particles: ${Math.max(1, Math.floor((particles * MOST_BYTES) / bytes))}, or fewer chains.`,
  });
}

/** Filters of SMC^2: N_theta of N_x particles, which may grow to `most`. */
interface NestedFilters {
  readonly particles: number;
  readonly innerParticles: number;
  /** Undefined: sixteen times as many, or what fits. */
  readonly most: number | undefined;
  readonly scheme: SchemeName;
}

/**
 * The most particles that a filter of SMC^2 may have.
 * @throws OptionError when they, or those there are at first, need more memory than there is.
 */
export function mostInnerParticles(
  where: string,
  models: ParameterModels,
  theta: Float64Array,
  { particles: runs, innerParticles, most, scheme }: NestedFilters,
): number {
  const shape = shapeOf(models, theta);
  // Moves try as many filters as there are.
  const bytes = (particles: number): number => 2 * smcBytes({ ...shape, particles, runs, scheme }).particles;
  let fits = innerParticles;
  while (fits < 16 * innerParticles && bytes(2 * fits) <= MOST_BYTES) fits *= 2;
  const asked = most ?? innerParticles;
  if (bytes(asked) <= MOST_BYTES) return most ?? fits;
  throw new OptionError({
    where,
    option: most === undefined ? 'innerParticles' : 'mostInnerParticles',
    value: asked,
    found: `${spaced(runs)} filters of ${spaced(asked)} particles, and as many that moves try, need ${gibibytes(bytes(asked))} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: 'Use fewer of them, or fewer `particles`.',
  });
}

function gibibytes(bytes: number): string {
  return spaced(Number((bytes / 2 ** 30).toPrecision(3)));
}
