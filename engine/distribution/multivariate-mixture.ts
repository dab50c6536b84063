import { OptionError } from '../errors.ts';
import type { Density } from '../types.ts';
import { checkWeights } from './categorical.ts';
import type { MultivariateLaw } from './multivariate.ts';

/**
 * Mixture of densities: component k with probability weights[k] / sum.
 *
 * The transport needs no extra uniform: the first one chooses the component, and what is left of it, stretched back
 * to (0, 1), is the component's first uniform.
 * @param weights [k], >= 0 with a positive sum; equal when left out.
 * @throws OptionError when there is no component, counts or dimensions differ, or a weight is bad.
 */
export function densityMixture(
  components: readonly Density[],
  weights: readonly number[] = components.map(() => 1),
): Density {
  const where = 'densityMixture';
  const d = checkComponents(where, components, weights);
  const total = checkWeights(where, weights);
  return mixed(
    components,
    weights.map((w) => w / total),
    d,
  );
}

/**
 * Mixture of multivariate laws, as `densityMixture` of densities.
 * @param weights [k], >= 0 with a positive sum; equal when left out.
 * @throws OptionError when there is no component, counts or dimensions differ, or a weight is bad.
 */
export function multivariateMixture(
  components: readonly MultivariateLaw[],
  weights: readonly number[] = components.map(() => 1),
): MultivariateLaw {
  const where = 'multivariateMixture';
  const d = checkComponents(where, components, weights);
  const total = checkWeights(where, weights);
  const share = weights.map((w) => w / total);
  const { mean, covariance } = moments(components, share, d);
  return {
    name: where,
    mean,
    covariance,
    parts: components.map((law, k) => ({ law, weight: share[k]! })),
    ...mixed(components, share, d),
    describe: () => `mixture of ${components.map((law, k) => `${share[k]} ${law.describe()}`).join('; ')}`,
  };
}

function mixed(components: readonly Density[], share: readonly number[], d: number): Density {
  return {
    dimension: d,
    logDensity: (x, out) => mixLogDensity(components, share, x, out),
    transport: (u, x) => {
      for (let at = 0; at < u.length; at += d) {
        const row = x.subarray(at, at + d);
        row.set(u.subarray(at, at + d));
        const [k, rest] = choose(share, row[0]!);
        row[0] = rest;
        components[k]!.transport(row, row);
      }
    },
  };
}

/** The component whose interval of the unit line holds u, and the place of u in it, inside (0, 1). */
function choose(share: readonly number[], u: number): readonly [number, number] {
  let k = 0;
  let below = 0;
  while (k < share.length - 1 && u >= below + share[k]!) below += share[k++]!;
  while (share[k] === 0) below -= share[--k]!;
  const rest = (u - below) / share[k]!;
  return [k, Math.min(1 - 2 ** -53, Math.max(2 ** -53, rest))];
}

function mixLogDensity(
  components: readonly Density[],
  share: readonly number[],
  x: Float64Array,
  out: Float64Array,
): void {
  const n = x.length / components[0]!.dimension;
  const term = new Float64Array(n);
  out.fill(-Infinity, 0, n);
  components.forEach((law, k) => {
    if (share[k] === 0) return;
    law.logDensity(x, term);
    for (let i = 0; i < n; i++) out[i] = logAdd(out[i]!, Math.log(share[k]!) + term[i]!);
  });
}

/** log(e^a + e^b). */
function logAdd(a: number, b: number): number {
  if (a === -Infinity || b === Infinity) return b;
  const [large, small] = a > b ? [a, b] : [b, a];
  return large + Math.log1p(Math.exp(small - large));
}

function moments(
  components: readonly MultivariateLaw[],
  share: readonly number[],
  d: number,
): { readonly mean: Float64Array; readonly covariance: Float64Array } {
  const mean = new Float64Array(d);
  components.forEach((law, k) => {
    for (let i = 0; i < d; i++) mean[i] = mean[i]! + share[k]! * law.mean[i]!;
  });
  const covariance = new Float64Array(d * d);
  components.forEach((law, k) => {
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        const between = (law.mean[i]! - mean[i]!) * (law.mean[j]! - mean[j]!);
        covariance[i * d + j] = covariance[i * d + j]! + share[k]! * (law.covariance[i * d + j]! + between);
      }
    }
  });
  return { mean, covariance };
}

function checkComponents(where: string, components: readonly Density[], weights: readonly number[]): number {
  const d = components[0]?.dimension ?? 0;
  const odd = components.findIndex((law) => law.dimension !== d);
  if (d > 0 && odd < 0 && weights.length === components.length) return d;
  throw new OptionError({
    where,
    option: 'components',
    value: components,
    found:
      odd >= 0
        ? `component ${odd} has dimension ${components[odd]!.dimension}`
        : `there are ${components.length} components and ${weights.length} weights`,
    expected: odd >= 0 ? `${d}, the dimension of component 0` : 'at least one component and as many weights',
  });
}
