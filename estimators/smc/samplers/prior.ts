import { show } from '../../../engine/check.ts';
import { densityDigest, isDensity } from '../../../engine/distribution/density-digest.ts';
import { type Inputs, inputSpace } from '../../../engine/distribution/inputs.ts';
import { independent } from '../../../engine/distribution/multivariate.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { DensityRows } from '../../../engine/kernel/kernel.ts';
import { lawGradient } from '../../../engine/kernel/law-gradient.ts';
import { numericGradient } from '../../../engine/model/numeric-gradient.ts';
import type { Density } from '../../../engine/types.ts';

/** A prior: the joint law of d numbers, or a record { name: law } of independent ones. */
export type Prior = Density | Inputs;

/** A prior as the samplers use it. */
export interface OpenedPrior {
  readonly law: Density;
  /** [d] */
  readonly names: readonly string[];
  /** Log density of rows and, where asked for, its gradient. */
  readonly rows: DensityRows;
  /** Changes with the law: what must agree before a saved run goes on. */
  readonly digest: string;
}

/**
 * @throws OptionError when it is neither a law of d numbers nor a record of laws, or has a discrete law: moves are
 * made for real numbers.
 */
export function openPrior(where: string, prior: Prior): OpenedPrior {
  if (isDensity(prior)) {
    const names = Array.from({ length: prior.dimension }, (_, c) => `x${c + 1}`);
    return { law: prior, names, rows: priorRows(prior), digest: densityDigest(prior, names) };
  }
  if (prior === null || typeof prior !== 'object') throw noPrior(where, prior);
  const { names, laws } = inputSpace(where, prior);
  const discrete = laws.findIndex((law) => law.discrete);
  if (discrete >= 0) throw discreteLaw(where, names[discrete]!, laws[discrete]!.describe());
  const law = independent(laws);
  return { law, names, rows: priorRows(law), digest: densityDigest(law, names) };
}

/** A prior costs little beside a likelihood, and a gradient that is slightly off only makes moves slightly worse. */
function priorRows(law: Density): DensityRows {
  const logDensity = (x: Float64Array, out: Float64Array): void => law.logDensity(x, out);
  const exact = lawGradient(law) ?? numericGradient(logDensity, law.dimension);
  return (x, n, out, gradient) => {
    const points = x.subarray(0, n * law.dimension);
    if (gradient === undefined) return law.logDensity(points, out.subarray(0, n));
    return exact.gradient(points, out.subarray(0, n), gradient.subarray(0, n * law.dimension));
  };
}

function noPrior(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'prior',
    value,
    found: `option \`prior\` is ${show(value)}`,
    expected: 'a law of d numbers, such as multivariateNormal(mean, covariance), or a record { name: law }',
  });
}

function discreteLaw(where: string, name: string, law: string): OptionError {
  return new OptionError({
    where,
    option: `prior.${name}`,
    value: law,
    found: `\`${name}\` has a discrete law (${law})`,
    expected: 'a law of a real number, since the moves are made for those',
    fix: 'Sum it out of the likelihood.',
  });
}
