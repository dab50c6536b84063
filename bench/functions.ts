import { type Inputs, uniform } from 'ensample';
import { type MixtureParameters, mixtureParameters, rngFromSeed } from 'ensample/engine';

/** A model with known indices, as a batch function [n, d] -> [n]. */
export interface KnownModel {
  readonly name: string;
  readonly inputs: Inputs;
  /** Exact first-order and total indices, in the order of the inputs. */
  readonly first: readonly number[];
  readonly total: readonly number[];
  evaluate(x: Float64Array, out: Float64Array): void;
}

const side = uniform(-Math.PI, Math.PI);

/** sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on [-pi, pi]^3 (Ishigami & Homma 1990). */
export const ishigami: KnownModel = {
  name: 'Ishigami, d = 3',
  inputs: { x1: side, x2: side, x3: side },
  first: [0.31390519114781146, 0.4424111447900409, 0],
  total: [0.557588855209959, 0.44241114479004084, 0.2436836640621477],
  evaluate(x, out) {
    for (let i = 0; i < out.length; i++) {
      const s = Math.sin(x[3 * i]!);
      out[i] = s + 7 * Math.sin(x[3 * i + 1]!) ** 2 + 0.1 * x[3 * i + 2]! ** 4 * s;
    }
  },
};

/** prod (|4 x_i - 2| + a_i) / (1 + a_i) on the unit cube (Saltelli & Sobol' 1995). */
export function gFunction(a: readonly number[]): KnownModel {
  const partial = a.map((ai) => 1 / 3 / (1 + ai) ** 2);
  const all = partial.reduce((product, v) => product * (1 + v), 1);
  const d = a.length;
  return {
    name: `G-function, d = ${d}`,
    inputs: Object.fromEntries(a.map((_, i) => [`x${i + 1}`, uniform(0, 1)])),
    first: partial.map((v) => v / (all - 1)),
    total: partial.map((v) => (v * all) / (1 + v) / (all - 1)),
    evaluate(x, out) {
      for (let i = 0; i < out.length; i++) {
        let product = 1;
        for (let c = 0; c < d; c++) product *= (Math.abs(4 * x[i * d + c]! - 2) + a[c]!) / (1 + a[c]!);
        out[i] = product;
      }
    },
  };
}

/** 0, 1, ..., d - 1: the G-function whose inputs matter less and less. */
export const fading = (d: number): number[] => Array.from({ length: d }, (_, i) => i);

/** A mixture of correlated normal laws in the square [0, 20]^2. */
export function planeMixture(components: number): MixtureParameters {
  const next = rngFromSeed(4).stream({ purpose: 32 });
  const each = Array.from({ length: components }, () => {
    const [a, b, r] = [0.5 + next.uniform(), 0.5 + next.uniform(), 1.6 * next.uniform() - 0.8];
    const mean = [20 * next.uniform(), 20 * next.uniform()];
    const shared = r * a * b;
    return {
      mean,
      covariance: [
        [a * a, shared],
        [shared, b * b],
      ],
    };
  });
  return mixtureParameters({
    means: each.map(({ mean }) => mean),
    covariances: each.map(({ covariance }) => covariance),
  });
}
