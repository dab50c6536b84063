import { jsBackend } from '../../../engine/backend/js.ts';
import {
  pointwise,
  run,
  type SmcSamplerOptions,
  type SmcSamplerResult,
  smcSampler,
} from '../../../estimators/index.ts';
import { LawViolation } from '../../support/law.ts';
import { regressionLikelihood, regressionPrior } from './problems.ts';

/** One sampler that the tests of this folder vary, and what its numbers are held against. */

export const SEED = 71_003;
/** |z| of a false alarm of 1e-6. */
const Z = 4.892;

export const base: SmcSamplerOptions = {
  prior: regressionPrior,
  logLikelihood: regressionLikelihood,
  particles: 128,
  moveCount: 3,
};

/** The base with some other options. */
export const sample = (
  options: Partial<SmcSamplerOptions> = {},
  seed: number = SEED,
): Promise<SmcSamplerResult> => run(smcSampler({ ...base, ...options }), { seed, backend: jsBackend() });

/** Likelihood of a prior N(0, I_2), and its log Z: 1 / sqrt(5) e^(-2/5) and 1 / sqrt 2. */
export const besideOne = pointwise((x) => -2 * (x[0]! - 1) * (x[0]! - 1) - 0.5 * x[1]! * x[1]!);
export const BESIDE_ONE: number = -0.5 * Math.log(5) - 0.4 - 0.5 * Math.log(2);

/** An estimate lies within Z of its own standard errors of the truth. */
export function expectNear(value: number, truth: number, standardError: number, about = ''): void {
  const z = Math.abs(value - truth) / standardError;
  if (!(z < Z)) throw new LawViolation(`${about} ${value}; expected ${truth} (${z.toFixed(2)} errors off)`);
}
