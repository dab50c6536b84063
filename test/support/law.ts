import { gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { TAG } from '../../engine/random/purpose.ts';
import { type Rng, rngFromSeed } from '../../engine/random/rng.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';

/**
 * Statistical assertions. Each states its false-alarm rate on a fresh seed, FALSE_ALARM unless told otherwise,
 * for the whole call: with k means, each is tested at falseAlarm / k. A test whose seed passes keeps passing,
 * because every draw is addressed. Every test needs a broken twin, wrapped in `expectRejected`.
 */
export const FALSE_ALARM = 1e-6;

export interface LawOptions {
  /** Chance that a true law fails this call on a fresh seed. Default 1e-6. */
  readonly falseAlarm?: number;
  /** What is being tested, for the message. */
  readonly about?: string;
}

/** The data do not follow the stated law. */
export class LawViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LawViolation';
  }
}

/** Independent runs of one experiment: row r of `values` [runs, width] is run r. */
export interface Replicates {
  readonly runs: number;
  readonly width: number;
  readonly values: Float64Array;
}

/** Repeat an experiment that returns a number or `width` numbers; run r draws from child r of the seed. */
export function replicate(
  runs: number,
  seed: number,
  experiment: (rng: Rng, run: number) => number | ArrayLike<number>,
): Replicates {
  const root = rngFromSeed(seed);
  let values = new Float64Array(0);
  let width = 0;
  for (let run = 0; run < runs; run++) {
    const outcome = experiment(root.child(TAG.replicate, run), run);
    const row = typeof outcome === 'number' ? [outcome] : outcome;
    if (run === 0) {
      width = row.length;
      values = new Float64Array(runs * width);
    }
    if (row.length !== width) throw new RangeError(`run ${run} returned ${row.length} numbers, not ${width}`);
    values.set(row, run * width);
  }
  return { runs, width, values };
}

/** Mean and standard deviation of every column. */
export function columnMoments(samples: Replicates): { mean: Float64Array; sd: Float64Array } {
  const { runs, width, values } = samples;
  const mean = new Float64Array(width);
  const sd = new Float64Array(width);
  for (let c = 0; c < width; c++) {
    for (let r = 0; r < runs; r++) mean[c] = mean[c]! + values[r * width + c]! / runs;
    let squares = 0;
    for (let r = 0; r < runs; r++) squares += (values[r * width + c]! - mean[c]!) ** 2;
    sd[c] = Math.sqrt(squares / (runs - 1));
  }
  return { mean, sd };
}

/**
 * The mean of every column is as expected: two-sided t-test at falseAlarm / width. Needs 100 runs, more when the
 * values are skewed (rare counts: a few hundred expected events). A column that never varies must equal its
 * expectation to 1e-9 relative. A bias of `detectableBias(runs)` standard deviations is caught 99 % of the time.
 * @param standardError [width] known standard errors of the means; estimated when absent.
 */
export function expectMeans(
  samples: Replicates,
  expected: number | ArrayLike<number>,
  options: LawOptions & { readonly standardError?: ArrayLike<number> } = {},
): void {
  const { falseAlarm = FALSE_ALARM, about = 'mean', standardError } = options;
  const wanted = typeof expected === 'number' ? [expected] : expected;
  const { runs, width } = samples;
  if (wanted.length !== width) throw new RangeError(`${wanted.length} expectations for ${width} columns`);
  if (runs < 100) throw new RangeError(`${runs} runs are too few for a normal law of the mean; use 100`);
  const z = -normalQuantile(falseAlarm / width / 2);
  const limit = standardError === undefined ? studentFromNormal(z, runs - 1) : z;
  const { mean, sd } = columnMoments(samples);
  for (let c = 0; c < width; c++) {
    const error = standardError?.[c] ?? sd[c]! / Math.sqrt(runs);
    const allowed = Math.max(limit * error, 1e-9 * Math.abs(wanted[c]!));
    const off = Math.abs(mean[c]! - wanted[c]!);
    if (!(off <= allowed)) {
      const score = `${(off / error).toFixed(2)} standard errors off, limit ${limit.toFixed(3)}`;
      throw new LawViolation(`${about} ${c}: ${mean[c]} over ${runs} runs; expected ${wanted[c]} (${score})`);
    }
  }
}

/** Bias, in standard deviations of one run, that `expectMeans` catches with 99 % probability. */
export function detectableBias(runs: number, falseAlarm: number = FALSE_ALARM): number {
  return (normalQuantile(0.99) - normalQuantile(falseAlarm / 2)) / Math.sqrt(runs);
}

/** Student quantile from the normal one, by the first three terms of the Cornish-Fisher series; for degrees >= 30. */
function studentFromNormal(z: number, degrees: number): number {
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}

/** `broken` must violate its law; anything else it throws is passed on. The broken twin of a test. */
export function expectRejected(broken: () => void): void {
  try {
    broken();
  } catch (error) {
    if (error instanceof LawViolation) return;
    throw error;
  }
  throw new Error('the broken twin passed: the test could not tell it from the right one');
}

/**
 * Counts allowed for `runs` independent events of probability p: the widest tails that each hold at most
 * falseAlarm / 2, exactly binomial. binomialBounds(1000, 0.95) is { low: 913, high: 980 }.
 */
export function binomialBounds(
  runs: number,
  p: number,
  falseAlarm: number = FALSE_ALARM,
): { low: number; high: number } {
  if (p <= 0 || p >= 1) return { low: p >= 1 ? runs : 0, high: p >= 1 ? runs : 0 };
  const law = new Float64Array(runs + 1); // relative to the mode, so that nothing overflows
  const mode = Math.min(runs, Math.floor((runs + 1) * p));
  law[mode] = 1;
  for (let k = mode; k < runs; k++) law[k + 1] = (law[k]! * (runs - k) * p) / ((k + 1) * (1 - p));
  for (let k = mode; k > 0; k--) law[k - 1] = (law[k]! * k * (1 - p)) / ((runs - k + 1) * p);
  const tail = (law.reduce((total, term) => total + term, 0) * falseAlarm) / 2;
  let low = 0;
  for (let below = law[0]!; below <= tail; below += law[low]!) low++;
  let high = runs;
  for (let above = law[runs]!; above <= tail; above += law[high]!) high--;
  return { low, high };
}

/** `hits` of `runs` independent events happened with probability p, by exact binomial bounds. */
export function expectProportion(hits: number, runs: number, p: number, options: LawOptions = {}): void {
  const { low, high } = binomialBounds(runs, p, options.falseAlarm);
  if (hits >= low && hits <= high) return;
  throw new LawViolation(
    `${options.about ?? 'hits'}: ${hits} of ${runs}; expected ${low} to ${high} at p = ${p}`,
  );
}

/**
 * Intervals of the stated level cover the truth. 1000 runs at 95 %: 913 to 980 hits, false alarm 6e-7, and true
 * coverage of 90 % is caught with 91 % probability.
 */
export function expectCoverage(
  hits: number,
  runs = 1000,
  options: LawOptions & { readonly level?: number } = {},
): void {
  expectProportion(hits, runs, options.level ?? 0.95, { about: 'intervals that cover', ...options });
}

/**
 * Independent values follow the law with this cdf: Kolmogorov-Smirnov with the bound of Massart (1990),
 * P(D > e) <= 2 exp(-2 n e^2), which holds for every n. A cdf that is off by 6.2 / sqrt(2 n) somewhere is caught 99 % of the time.
 */
export function expectLaw(
  values: ArrayLike<number>,
  cdf: (x: number) => number,
  options: LawOptions = {},
): void {
  const n = values.length;
  const sorted = Float64Array.from(values).sort();
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const p = cdf(sorted[i]!);
    if (!(p >= 0 && p <= 1)) throw new LawViolation(`cdf is ${p} at ${sorted[i]}`);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  }
  const limit = Math.sqrt(Math.log(2 / (options.falseAlarm ?? FALSE_ALARM)) / (2 * n));
  if (distance <= limit) return;
  throw new LawViolation(
    `${options.about ?? 'law'}: distance ${distance} from the cdf; limit ${limit}, n = ${n}`,
  );
}

/**
 * Counts of independent draws fall into cells with the given probabilities: chi-square with cells - 1 degrees of
 * freedom. Cells need an expectation of 5; a cell of probability 0 must be empty.
 */
export function expectCounts(
  counts: ArrayLike<number>,
  probability: ArrayLike<number>,
  options: LawOptions = {},
): void {
  const { falseAlarm = FALSE_ALARM, about = 'counts' } = options;
  let total = 0;
  for (let c = 0; c < counts.length; c++) total += counts[c]!;
  let statistic = 0;
  let cells = 0;
  for (let c = 0; c < counts.length; c++) {
    const wanted = total * probability[c]!;
    if (wanted === 0 && counts[c] !== 0) throw new LawViolation(`${about}: cell ${c} is impossible`);
    if (wanted === 0) continue;
    if (wanted < 5) throw new RangeError(`cell ${c} expects ${wanted} < 5 draws; merge cells or draw more`);
    statistic += (counts[c]! - wanted) ** 2 / wanted;
    cells++;
  }
  const degrees = cells - 1;
  const pValue = degrees === 0 ? 1 : gammaUpper(degrees / 2, statistic / 2);
  if (pValue >= falseAlarm) return;
  throw new LawViolation(`${about}: chi-square ${statistic} at ${degrees} degrees of freedom, p = ${pValue}`);
}
