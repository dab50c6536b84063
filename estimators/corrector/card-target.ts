import type { Gpu, GpuArray } from '../../engine/backend/gpu/types.ts';
import {
  correctorRatesShader,
  correctorScoreShader,
  ratesLayout,
} from '../../engine/backend/wgsl/corrector.ts';
import { mixtureConstants } from '../../engine/backend/wgsl/mixture.ts';
import { sameShader } from '../../engine/backend/wgsl/same-shader.ts';
import {
  emptyParameters,
  type NoisedMixture,
  noisedMixture,
  noiseParameters,
} from '../../engine/diffusion/analytic/noised-mixture.ts';
import { type Quadratic, quadraticOf } from './card-tilt.ts';
import type { CorrectorPlan } from './plan.ts';
import { rateTerms } from './terms.ts';

/** The experts and tilts of a target on a card; runs share it, one after the other in the order of their passes. */
export interface CardTarget {
  /** [M, K, d] and [M, K]: scores and log densities at the positions evaluated last. */
  readonly scores: GpuArray<'f32'>;
  readonly densities: GpuArray<'f32'>;
  /**
   * Drift into `state` [K, 2 d] and `features` [K, width] at the positions there, at time `index` of the grid. Queued.
   * @throws BackendError when the card is gone.
   */
  evaluate(index: number, state: GpuArray<'f32'>, features: GpuArray<'f32'>): void;
  /** rho at time `index`. */
  tilt(index: number): Quadratic;
  release(): void;
}

/** @throws BackendError when the card cannot hold the scores. */
export function openCardTarget(plan: CorrectorPlan, gpu: Gpu): CardTarget {
  const { experts, tilts, terms, particles: K, dimension: d, width } = plan;
  const M = experts.length;
  const arena = gpu.arena();
  const shape = { dimension: d, experts: M, width, tilted: tilts.length > 0 };
  const layout = ratesLayout(shape);
  const laws = experts.map(({ mixture }) => noisedMixture(mixture!));
  const constantsAt = (index: number): readonly Float32Array[] => {
    const { signals, variances } = terms[index]!;
    return laws.map((law, i) => noisedConstants(law, signals[i]!, Math.sqrt(variances[i]!)));
  };
  const constants = constantsAt(0).map(({ length }) => arena.f32(length));
  const numbers = arena.f32(layout.length);
  const [scores, densities] = [arena.f32(M * K * d), arena.f32(M * K)];
  const score = sameShader(correctorScoreShader(d));
  const rates = sameShader(correctorRatesShader(shape));
  let held = -1;
  let params = { drift: 0, spread: 0, constant: 0 };
  const tiltAt = (index: number, part: 'at' | 'rate', sign: number): Quadratic => {
    const { time } = terms[index]!;
    const factors = tilts.map((tilt) => ('reward' in tilt ? sign * tilt.ramp[part](time) : 0));
    return quadraticOf(tilts, factors, d);
  };
  const upload = (index: number): void => {
    const at = terms[index]!;
    for (const [i, values] of constantsAt(index).entries()) gpu.write(constants[i]!, values);
    // The tilt changes with -t as the particles go on.
    const [rho, fade] = [tiltAt(index, 'at', 1), tiltAt(index, 'rate', -1)];
    const parts = rateTerms(at, d, false);
    const values = new Float32Array(layout.length);
    for (let i = 0; i < M; i++) {
      values.set(parts.coefficients.subarray(3 * i, 3 * i + 3), 4 * i);
      values[4 * i + 3] = at.exponentRates[i]!;
    }
    if (shape.tilted) {
      values.set(rho.slope, layout.slope);
      values.set(rho.matrix, layout.matrix);
      values.set(fade.slope, layout.fadeSlope);
      values.set(fade.matrix, layout.fadeMatrix);
    }
    gpu.write(numbers, values);
    params = { drift: at.drift, spread: parts.spread, constant: parts.constant + fade.constant };
    held = index;
  };
  return {
    scores,
    densities,
    evaluate(index, state, features) {
      if (index !== held) upload(index);
      for (let i = 0; i < M; i++)
        gpu.run(score, { x: state, constants: constants[i]!, scores, densities }, { first: i * K }, K);
      const arrays = { state, scores, densities, terms: numbers, features };
      gpu.run(rates, arrays, params, K);
    },
    tilt: (index) => tiltAt(index, 'at', 1),
    release: () => arena.release(),
  };
}

/** A law under noise, as the card reads it. */
function noisedConstants(law: NoisedMixture, signal: number, noise: number): Float32Array {
  const parameters = emptyParameters(law, (length) => new Float64Array(length));
  noiseParameters(law, signal, noise, parameters);
  return mixtureConstants(parameters);
}
