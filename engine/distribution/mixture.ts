import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { firstReaching } from '../math/root.ts';
import { checkWeights } from './categorical.ts';
import { endpoint, type Law, upperQuantile } from './law.ts';

interface Part {
  readonly weight: number;
  readonly law: Law;
}

/**
 * Mixture of univariate laws: component k with probability weights[k] / sum. All components continuous, or all discrete.
 * The quantile is a bracketed root between the components' quantiles (about ten evaluations of the cdf).
 * @param weights [k], >= 0 with a positive sum; equal when left out.
 * @throws OptionError when there is no component, the counts differ, a weight is bad, or kinds are mixed.
 */
export function mixture(components: readonly Law[], weights?: readonly number[]): Law {
  const parts = checkParts(components, weights);
  const sum = (f: (law: Law) => number): number =>
    parts.reduce((s, { weight, law }) => s + weight * f(law), 0);
  const cdf = (x: number): number =>
    Math.min(
      1,
      sum((law) => law.cdf(x)),
    );
  const survival = (x: number): number =>
    Math.min(
      1,
      sum((law) => law.survival(x)),
    );
  const mean = sum((law) => law.mean);
  const low = Math.min(...parts.map(({ law }) => law.support[0]));
  const high = Math.max(...parts.map(({ law }) => law.support[1]));
  const between = (ends: readonly number[], f: (x: number) => number): number =>
    firstReaching(f, Math.min(...ends), Math.max(...ends));
  const discrete = parts[0]!.law.discrete;
  const lower = (p: number): number =>
    between(
      parts.map(({ law }) => law.quantile(p)),
      (x) => cdf(x) - p,
    );
  const upper = (q: number): number =>
    between(
      parts.map(({ law }) => upperQuantile(law, q)),
      (x) => q - survival(x),
    );
  return {
    name: 'mixture',
    parameters: { weights: parts.map(({ weight }) => weight) },
    discrete,
    support: [low, high],
    mean,
    variance: sum((law) => law.variance + (law.mean - mean) ** 2),
    logDensity: (x) => logSum(parts, x),
    cdf,
    survival,
    // For a continuous law the upper half goes by the accurate tail; at jumps the cdf itself must decide.
    quantile: (p) =>
      p > 0 && p < 1 ? (discrete || p <= 0.5 ? lower(p) : upper(1 - p)) : endpoint(p, low, high),
    survivalQuantile: (q) =>
      q > 0 && q < 1 ? (discrete || q <= 0.5 ? upper(q) : lower(1 - q)) : endpoint(q, high, low),
    describe: () => `mixture of ${parts.map(({ weight, law }) => `${weight} ${law.describe()}`).join('; ')}`,
  };
}

/** log sum of weight times density, by the largest term. */
function logSum(parts: readonly Part[], x: number): number {
  let max = -Infinity;
  let total = 0;
  for (const { weight, law } of parts) {
    const term = Math.log(weight) + law.logDensity(x);
    if (Number.isNaN(term) || term === Infinity) return term;
    if (term === -Infinity) continue;
    if (term > max) {
      total = total * Math.exp(max - term) + 1;
      max = term;
    } else total += Math.exp(term - max);
  }
  return total > 0 ? max + Math.log(total) : -Infinity;
}

function checkParts(components: readonly Law[], weights?: readonly number[]): readonly Part[] {
  const given = weights ?? components.map(() => 1);
  if (components.length === 0 || given.length !== components.length) {
    throw new OptionError({
      where: 'mixture',
      option: 'weights',
      value: weights,
      found: `there are ${components.length} components and ${given.length} weights`,
      expected: 'at least one component and as many weights',
    });
  }
  const total = checkWeights('mixture', given);
  const discrete = components[0]!.discrete;
  const odd = components.findIndex((law) => law.discrete !== discrete);
  if (odd >= 0) {
    throw new OptionError({
      where: 'mixture',
      option: 'components',
      value: components,
      found: `component 0 is ${discrete ? 'discrete' : 'continuous'} and component ${odd} is not (${show(components[odd]!.name)})`,
      expected: 'all continuous or all discrete',
    });
  }
  return components.map((law, i) => ({ weight: given[i]! / total, law })).filter(({ weight }) => weight > 0);
}
