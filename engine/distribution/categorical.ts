import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { countUpTo } from './lattice.ts';
import { endpoint, type Law, outside } from './law.ts';

/**
 * Law on finitely many values with mass proportional to `weights`; the values are 0, 1, ..., k - 1 unless given.
 * @param weights [k], finite and >= 0, with a positive sum; need not sum to 1.
 * @param values [k], finite and distinct, in any order.
 * @throws OptionError when the arrays break these rules.
 */
export function categorical(weights: readonly number[], values?: readonly number[]): Law {
  const total = checkWeights('categorical', weights);
  const given = values ?? weights.map((_, i) => i);
  checkValues(weights, given);
  const order = Array.from(given.keys())
    .filter((i) => weights[i]! > 0)
    .sort((i, j) => given[i]! - given[j]!);
  const atoms = Float64Array.from(order, (i) => given[i]!);
  const mass = Float64Array.from(order, (i) => weights[i]! / total);
  const { below, above } = cumulate(mass);
  const [low, high] = [atoms[0]!, atoms[atoms.length - 1]!];
  const mean = atoms.reduce((sum, x, i) => sum + mass[i]! * x, 0);
  const logDensity = (x: number): number => {
    const i = countUpTo(atoms, x) - 1;
    return i >= 0 && atoms[i] === x ? Math.log(mass[i]!) : outside(x);
  };
  const nanOr = (x: number, value: number): number => (Number.isNaN(x) ? x : value);
  return {
    name: 'categorical',
    parameters: { weights, values: given },
    discrete: true,
    support: [low, high],
    mean,
    variance: atoms.reduce((sum, x, i) => sum + mass[i]! * (x - mean) * (x - mean), 0),
    logDensity,
    cdf: (x) => nanOr(x, below[countUpTo(atoms, x)]!),
    survival: (x) => nanOr(x, above[countUpTo(atoms, x)]!),
    quantile: (p) => (p > 0 && p < 1 ? atoms[first(below, (c) => c >= p) - 1]! : endpoint(p, low, high)),
    survivalQuantile: (q) =>
      q > 0 && q < 1 ? atoms[Math.max(0, first(above, (s) => s <= q) - 1)]! : endpoint(q, high, low),
    describe: () => `categorical on ${atoms.length} values from ${low} to ${high}`,
  };
}

/** Masses below and above each gap between atoms, [k + 1]: below[i] that of the first i atoms, above[i] of the rest. */
function cumulate(mass: Float64Array): { readonly below: Float64Array; readonly above: Float64Array } {
  const k = mass.length;
  const below = new Float64Array(k + 1);
  const above = new Float64Array(k + 1);
  for (let i = 0; i < k; i++) below[i + 1] = below[i]! + mass[i]!;
  for (let i = k; i > 0; i--) above[i - 1] = above[i]! + mass[i - 1]!;
  // The sums end at 1 but for rounding; the whole is exactly 1.
  below[k] = 1;
  above[0] = 1;
  for (let i = 1; i < k; i++) {
    below[i] = Math.min(1, below[i]!);
    above[i] = Math.min(1, above[i]!);
  }
  return { below, above };
}

/** First index in 1..k at which `reached` holds; it holds at k. */
function first(steps: Float64Array, reached: (x: number) => boolean): number {
  let [low, high] = [1, steps.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(steps[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Sum of weights that are finite, >= 0 and not all zero.
 * @throws OptionError naming the law and the first bad weight.
 */
export function checkWeights(law: string, weights: readonly number[]): number {
  const list = Array.from(weights ?? []);
  const bad = list.findIndex((w) => !(Number.isFinite(w) && w >= 0));
  const total = list.reduce((sum, w) => sum + w, 0);
  if (bad < 0 && total > 0 && Number.isFinite(total)) return total;
  throw new OptionError({
    where: law,
    option: 'weights',
    value: weights,
    found: bad < 0 ? `\`weights\` sum to ${total}` : `\`weights[${bad}]\` is ${show(list[bad])}`,
    expected: 'finite numbers >= 0 with a finite sum above 0',
  });
}

function checkValues(weights: readonly number[], values: readonly number[]): void {
  const seen = new Set<number>();
  const bad = values.findIndex((x) => !Number.isFinite(x) || seen.size === seen.add(x).size);
  if (values.length === weights.length && bad < 0) return;
  throw new OptionError({
    where: 'categorical',
    option: 'values',
    value: values,
    found:
      values.length === weights.length
        ? `\`values[${bad}]\` is ${show(values[bad])}${Number.isFinite(values[bad]) ? ', a second time' : ''}`
        : `\`values\` has ${values.length} entries`,
    expected: `${weights.length} distinct finite numbers, one for each weight`,
  });
}
