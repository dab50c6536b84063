import type { Shader } from '../gpu/types.ts';
import type { KernelCode } from '../kernel/types.ts';
import { mixtureCode } from './mixture-code.ts';

/** A mixture of K normal laws of d numbers: see engine/wasm/twins/mixture.ts, whose parameters these are. */
export interface CardMixture {
  /** d */
  readonly dimension: number;
  /** [K, d] */
  readonly means: ArrayLike<number>;
  /** [K, d (d + 1) / 2]: lower triangles W_k by rows. */
  readonly whiten: ArrayLike<number>;
  /** [K]; -Infinity for a component of weight 0. */
  readonly logConstant: ArrayLike<number>;
}

/**
 * The mixture as a kernel of `d + 1` outputs, the score and then the log density, or of the log density alone.
 *
 * One pass over the components with a running maximum m: what was summed is scaled by exp(m - m') when a larger term
 * comes, and one exponential serves both cases. All lanes read the same parameters at the same time, which cards
 * broadcast from their cache; component k is the row (c_k, mu_k, W_k) of `constants`. Points farther than 1e19 standard
 * deviations from all components are beyond float32. Errors against float64 are some 1e-7 of the log density, in the score
 * as well, because weights of components are exponentials of differences of such numbers.
 */
export function mixtureKernel(mixture: CardMixture, withScore: boolean): KernelCode {
  return { code: mixtureCode(mixture.dimension, withScore), constants: mixtureConstants(mixture) };
}

const made = new Map<number, ReturnType<typeof makeScoreShader>>();

/** Log density [n] and score [n, d] of the rows of `x` [n, d] with `constants` of `mixtureKernel(.., true)`; one item a row. */
export function mixtureScoreShader(d: number): Shader<'x' | 'constants' | 'logDensity' | 'score', never> {
  const shader = made.get(d) ?? makeScoreShader(d);
  // Shaders are compiled once for each object.
  made.set(d, shader);
  return shader;
}

function makeScoreShader(d: number): Shader<'x' | 'constants' | 'logDensity' | 'score', never> {
  return {
    name: `mixtureScore${d}`,
    buffers: { x: 'read f32', constants: 'read f32', logDensity: 'write f32', score: 'write f32' },
    params: {},
    per: 'item',
    code: `${mixtureCode(d, true)}
fn item(i: u32) {
  kernel(i * ${d}u);
  for (var j = 0u; j < ${d}u; j++) { score[i * ${d}u + j] = result[j]; }
  logDensity[i] = result[${d}];
}`,
  };
}

/** The numbers that its kernel reads. Components of weight 0 are left out: the card has no -Infinity to count on. */
export function mixtureConstants({
  dimension: d,
  means,
  whiten,
  logConstant,
}: CardMixture): Float32Array<ArrayBuffer> {
  const triangle = (d * (d + 1)) / 2;
  const rows: number[][] = [];
  for (let k = 0; k < logConstant.length; k++) {
    if (logConstant[k] === -Infinity) continue;
    const mean = Array.from({ length: d }, (_, j) => means[k * d + j]!);
    const own = Array.from({ length: triangle }, (_, j) => whiten[k * triangle + j]!);
    rows.push([logConstant[k]!, ...mean, ...own]);
  }
  return Float32Array.from(rows.flat());
}
