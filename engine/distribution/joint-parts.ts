import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import type { InputSpace } from './inputs.ts';
import type { Law } from './law.ts';

/*
 * What a joint density f(x) = c(F_1(x_1), ..., F_d(x_d)) prod_c f_c(x_c) of inputs is made of, c the density of their
 * dependence.
 */

/**
 * The normal score Phi^-1(F(x)) of a value, from the smaller of its two tails; at most 37.5 where a tail is too
 * small for a number, so that it stays finite.
 */
export function normalScore(law: Law, x: number): number {
  if (law.name === 'normal') return (x - law.mean) / Math.sqrt(law.variance);
  const { mu, sigma } = law.parameters ?? {};
  if (law.name === 'logNormal' && typeof mu === 'number' && typeof sigma === 'number' && x > 0)
    return (Math.log(x) - mu) / sigma;
  const below = law.cdf(x);
  return below <= 0.5
    ? normalQuantile(Math.max(TINY, below))
    : -normalQuantile(Math.max(TINY, law.survival(x)));
}

/** Smallest number above 0 that keeps all its digits. */
const TINY = 2 ** -1022;

/** [d] 1 where an input depends on another one. */
export function linkedInputs({ dimension: d, dependence }: InputSpace): Uint8Array {
  const linked = new Uint8Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) if (dependence?.linked(i, j) === true) linked[i] = linked[j] = 1;
  }
  return linked;
}

/** log density of the dependence at rows 0..n-1 of inputs x [n, d] into out [n]; 0 where nothing is linked. */
export function dependenceDensity(
  space: InputSpace,
): (x: Float64Array, n: number, out: Float64Array) => void {
  const { dimension: d, laws, dependence } = space;
  const linked = linkedInputs(space);
  let scores = new Float64Array(0);
  return (x, n, out) => {
    if (dependence?.logDensity === undefined || !linked.includes(1)) {
      out.fill(0, 0, n);
      return;
    }
    if (scores.length < n * d) scores = new Float64Array(n * d);
    for (let c = 0; c < d; c++) {
      if (linked[c] === 0) continue;
      const law = laws[c]!;
      for (let i = c; i < n * d; i += d) scores[i] = normalScore(law, x[i]!);
    }
    dependence.logDensity(scores, n, out);
  };
}

/**
 * @param option how the space is called in messages: 'inputs', 'laws.heavy'.
 * @throws OptionError when an input is discrete or its law has no `logDensity`, or when inputs depend on each other in
 * a way that has none.
 */
export function checkJointDensity(where: string, space: InputSpace, option = 'inputs'): void {
  space.laws.forEach((law, c) => void checkDensity(where, law, `${option}.${space.names[c]!}`));
  const discrete = space.laws.findIndex((law) => law.discrete);
  if (discrete >= 0) throw discreteInput(where, `${option}.${space.names[discrete]!}`, space.laws[discrete]!);
  checkDependenceDensity(where, space, option);
}

/** @throws OptionError when a law has no log density. */
export function checkDensity(where: string, law: Law, option: string): void {
  if (typeof law.logDensity === 'function') return;
  throw new OptionError({
    where,
    option,
    value: law,
    found: `\`${option}\` is ${show(law)}, a law without density`,
    expected: 'a law with a function `logDensity`',
  });
}

/** @throws OptionError when inputs are linked by a dependence that has no log density. */
export function checkDependenceDensity(where: string, space: InputSpace, option: string): void {
  const { dependence } = space;
  if (dependence === undefined || dependence.logDensity !== undefined || !linkedInputs(space).includes(1))
    return;
  throw new OptionError({
    where,
    option: `${option}: dependence`,
    value: dependence,
    found: `the dependence of \`${option}\` has no density`,
    expected: 'a dependence with a function `logDensity`, such as gaussianCopula(...)',
  });
}

function discreteInput(where: string, option: string, law: Law): OptionError {
  return new OptionError({
    where,
    option,
    value: law,
    found: `\`${option}\` is discrete (${law.describe()}) and has masses instead of a density`,
    expected: 'inputs that are all continuous',
  });
}
