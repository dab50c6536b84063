import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { isReward, type RewardForm } from '../../engine/diffusion/reward.ts';
import { OptionError } from '../../engine/errors.ts';
import { symmetricEigen } from '../../engine/math/linear-algebra.ts';
import type { StepTerms } from './terms.ts';
import type { RewardTilt, Tilt } from './types.ts';

/*
 * A product of powers of normal mixtures can be normalised when its logarithm falls in every direction e, at every time:
 *
 *   sum_i b_i min_j e' P_ij(t) e + e' C(t) e > 0
 *
 * P_ij(t) = (alpha^2 Sigma_ij + v I)^-1 the precision of component j of expert i, of which the broadest along e decides the tail,
 * and C the curvature of -rho. Looked for along the eigenvectors of all components, then, from the worst of these, along those of
 * the sum of the matrices that decide there: a condition that is necessary, and enough where experts are single normal laws.
 */

/** Components of an expert that are looked at, the broadest ones. */
const MOST_COMPONENTS = 50;
/** Directions that are looked along. */
const MOST_DIRECTIONS = 200;
const REFINEMENTS = 3;

/** Sigma = U diag(values) U'. */
interface Component {
  readonly values: Float64Array;
  /** [d, d], column k belonging to value k. */
  readonly vectors: Float64Array;
}

/** A quadratic part of -rho: ramp(t) e' A e. */
interface Curvature {
  readonly matrix: Float64Array;
  at(time: number): number;
}

/**
 * @throws OptionError where the target has no finite integral, with the time and the direction. Says nothing about experts that
 * are no mixtures, or tilts of unknown form.
 */
export function checkTails(
  experts: readonly Denoiser[],
  terms: readonly StepTerms[],
  tilts: readonly (Tilt | RewardTilt)[],
): void {
  const forms = tilts.map(formOf);
  if (experts.some(({ mixture }) => mixture === undefined) || forms.includes('unknown')) return;
  const d = experts[0]!.dimension;
  const curvatures = tilts.flatMap((tilt, i) => curvatureOf(tilt, forms[i]!, d));
  const signed = terms.some(({ exponents }) => exponents.some((b) => b < 0));
  if (!signed && curvatures.length === 0) return;
  const laws = experts.map((expert) => componentsOf(expert, d));
  const directions = directionsOf(laws, curvatures, d);
  for (const at of terms) {
    const worst = worstDirection(laws, curvatures, directions, at, d);
    if (!(worst.value > 0)) throw noLaw(experts, at, worst);
  }
}

/** Whether `checkTails` can tell. */
export function tailsKnown(experts: readonly Denoiser[], tilts: readonly (Tilt | RewardTilt)[]): boolean {
  return experts.every(({ mixture }) => mixture !== undefined) && !tilts.map(formOf).includes('unknown');
}

function formOf(tilt: Tilt | RewardTilt): RewardForm | 'unknown' {
  if (!('reward' in tilt) || !isReward(tilt.reward)) return 'unknown';
  return tilt.reward.form ?? 'unknown';
}

function curvatureOf(tilt: Tilt | RewardTilt, form: RewardForm | 'unknown', d: number): Curvature[] {
  if (form === 'unknown' || form.kind !== 'quadratic' || !('ramp' in tilt)) return [];
  const matrix = Float64Array.from({ length: d * d }, (_, at) => form.matrix[Math.floor(at / d)]![at % d]!);
  return [{ matrix, at: (time) => tilt.ramp.at(time) }];
}

/** The largest size of an eigenvalue of the Hessian of a tilt at a time; NaN where it is not known. */
export function tiltCurvature(tilt: Tilt | RewardTilt, time: number, d: number): number {
  if ('value' in tilt) return tilt.curvature?.(time) ?? Number.NaN;
  const form = formOf(tilt);
  if (form === 'unknown') return Number.NaN;
  const [curvature] = curvatureOf(tilt, form, d);
  if (curvature === undefined) return 0;
  const { values } = symmetricEigen(curvature.matrix, d);
  return Math.abs(curvature.at(time)) * Math.max(Math.abs(values[0]!), Math.abs(values[d - 1]!));
}

/** The components of a mixture that have any weight, equal covariances taken once, the broadest first. */
function componentsOf({ mixture }: Denoiser, d: number): readonly Component[] {
  const { covariances, weights } = mixture!;
  const living = covariances.filter((_, k) => weights === undefined || weights[k]! > 0);
  const distinct = new Map(living.map((rows) => [JSON.stringify(rows), rows]));
  return Array.from(distinct.values(), (rows) => symmetricEigen(Float64Array.from(rows.flat()), d))
    .sort((a, b) => b.values[d - 1]! - a.values[d - 1]!)
    .slice(0, MOST_COMPONENTS);
}

/** [count][d] unit vectors. */
function directionsOf(
  laws: readonly (readonly Component[])[],
  curvatures: readonly Curvature[],
  d: number,
): readonly Float64Array[] {
  const turned = curvatures.map(({ matrix }) => symmetricEigen(matrix, d));
  const all = [...laws.flat(), ...turned].flatMap(({ vectors }) => columnsOf(vectors, d));
  return all.slice(0, MOST_DIRECTIONS);
}

function columnsOf(vectors: Float64Array, d: number): Float64Array[] {
  return Array.from({ length: d }, (_, k) => vectors.filter((_value, at) => at % d === k));
}

interface Worst {
  readonly value: number;
  readonly direction: Float64Array;
}

function worstDirection(
  laws: readonly (readonly Component[])[],
  curvatures: readonly Curvature[],
  directions: readonly Float64Array[],
  at: StepTerms,
  d: number,
): Worst {
  const look = (direction: Float64Array): Worst => ({
    value: fallAlong(laws, curvatures, direction, at).value,
    direction,
  });
  const worse = (a: Worst, b: Worst): Worst => (b.value < a.value || Number.isNaN(b.value) ? b : a);
  let worst = directions.map(look).reduce(worse);
  for (let round = 0; round < REFINEMENTS; round++) {
    const { chosen } = fallAlong(laws, curvatures, worst.direction, at);
    const { vectors } = symmetricEigen(sumOf(chosen, curvatures, at, d), d);
    const next = look(columnsOf(vectors, d)[0]!);
    if (!(next.value < worst.value)) return worst;
    worst = next;
  }
  return worst;
}

/** How fast the logarithm falls along e, twice, and the components that decide. */
function fallAlong(
  laws: readonly (readonly Component[])[],
  curvatures: readonly Curvature[],
  e: Float64Array,
  at: StepTerms,
): { readonly value: number; readonly chosen: readonly Component[] } {
  let value = 0;
  const chosen = laws.map((components, i) => {
    const falls = components.map((component) => precisionAlong(component, e, at, i));
    const least = Math.min(...falls);
    value += at.exponents[i]! * least;
    return components[falls.indexOf(least)] ?? components[0]!;
  });
  for (const { matrix, at: ramp } of curvatures) value += ramp(at.time) * quadratic(matrix, e);
  return { value, chosen };
}

/** e' (alpha^2 Sigma + v I)^-1 e. */
function precisionAlong({ values, vectors }: Component, e: Float64Array, at: StepTerms, i: number): number {
  const d = e.length;
  const signal = at.signals[i]! ** 2;
  let sum = 0;
  for (let k = 0; k < d; k++) {
    let along = 0;
    for (let c = 0; c < d; c++) along += vectors[c * d + k]! * e[c]!;
    sum += (along * along) / (signal * values[k]! + at.variances[i]!);
  }
  return sum;
}

function quadratic(matrix: Float64Array, e: Float64Array): number {
  const d = e.length;
  let sum = 0;
  for (let r = 0; r < d; r++) for (let c = 0; c < d; c++) sum += e[r]! * matrix[r * d + c]! * e[c]!;
  return sum;
}

/** sum b_i P_i + C. */
function sumOf(
  chosen: readonly Component[],
  curvatures: readonly Curvature[],
  at: StepTerms,
  d: number,
): Float64Array {
  const sum = new Float64Array(d * d);
  for (const [i, { values, vectors }] of chosen.entries()) {
    const signal = at.signals[i]! ** 2;
    for (let k = 0; k < d; k++) {
      const factor = at.exponents[i]! / (signal * values[k]! + at.variances[i]!);
      for (let r = 0; r < d; r++)
        for (let c = 0; c < d; c++)
          sum[r * d + c] = sum[r * d + c]! + factor * vectors[r * d + k]! * vectors[c * d + k]!;
    }
  }
  for (const { matrix, at: ramp } of curvatures)
    for (let c = 0; c < sum.length; c++) sum[c] = sum[c]! + ramp(at.time) * matrix[c]!;
  return sum;
}

function noLaw(experts: readonly Denoiser[], { time, exponents }: StepTerms, worst: Worst): OptionError {
  const round = (x: number): string => String(Number(x.toPrecision(3)));
  const names = experts.map(({ name = 'an expert' }, i) => `(${name})^${round(exponents[i]!)}`).join(' ');
  const divided = exponents.some((b) => b < 0);
  const direction = Array.from(worst.direction.subarray(0, 8), round).join(', ');
  return new OptionError({
    where: 'corrector',
    option: 'target',
    value: exponents,
    found: `${names} has no finite integral at time ${round(time)}: its precision along (${direction}) is ${round(worst.value)}`,
    expected: 'a positive one in every direction at every time',
    fix: divided
      ? 'Experts with negative exponents must be broader than the others; try a smaller strength.'
      : 'A reward must not curve upwards faster than the experts fall; scale it down.',
  });
}
