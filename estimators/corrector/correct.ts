import type { Backend } from '../../engine/backend/backend.ts';
import { defaultBackend } from '../../engine/backend/choose.ts';
import { checkCount, checkList, checkNumber, checkOneOf, checkOptionNames } from '../../engine/check.ts';
import type { Prediction } from '../../engine/diffusion/denoiser.ts';
import { convert } from '../../engine/diffusion/prediction.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { ShapeError, ValueError } from '../../engine/errors.ts';
import { ess, logMeanExp } from '../../engine/particles/log-weight.ts';
import { resample } from '../../engine/particles/resample.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import { SCHEME_NAMES } from '../../engine/particles/resampling/schemes.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

/*
 * Weights and resampling for the batch of a loop that is somebody else's; engine/diffusion/scheduler.ts says which methods run in one.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | G_t | exp(logPotential) | [n] |
 * | r_t, the reward of E[x_0 given x_t] | reward | [n] |
 * | q_i^b_i, s_i | exponents, predictions as scores | [M], [M, n, d] |
 *
 * Steering: log G_t = r_t - r_before, whose product over a path is exp(r of its end), whatever the moves.
 * Feynman-Kac correctors: the step from t to u of the reverse SDE with the score Sb = sum b_i s_i has, with B = sum b_i,
 *
 *   log G = (t - u) (d (B - 1) f + (g^2 / 2) (|Sb|^2 - sum b_i |s_i|^2))
 */

export interface CorrectOptions {
  /** n */
  readonly particles: number;
  /** Resample when fewer than this share count; 0 is never. Default { ess: 0.5 }. */
  readonly resample?: { readonly ess: number };
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
  /** Default 0. */
  readonly seed?: number;
  /** Default: the best this machine has. */
  readonly backend?: Backend;
}

/** [n, k] rows that follow their particle. */
export type CorrectedRows = Float64Array | Float32Array | Int32Array | Uint32Array | Uint8Array;

export interface Corrected {
  readonly resampled: boolean;
  /** [n] where each row came from: for what is not among the rows that were handed over, such as `scheduler.gather`. */
  readonly ancestor: Uint32Array;
  /** In particles, before resampling. */
  readonly ess: number;
}

/** A step of the reverse SDE that was guided by several models. */
export interface GuidedStep {
  readonly schedule: NoiseSchedule;
  /** Diffusion times it left and reached. */
  readonly time: number;
  readonly next: number;
  /** b_i: for guidance of strength w, [1 - w, w]. */
  readonly exponents: readonly number[];
  /** Default 'noise'. */
  readonly prediction?: Prediction;
  /** [n, d] of each model at x, before they were combined. */
  readonly predictions: readonly ArrayLike<number>[];
  /** [n, d] before the step. */
  readonly x: ArrayLike<number>;
}

/** A weighted batch. Every call weighs it, and resamples `rows` in place where few particles count. */
export interface Correction {
  /** [n] natural log, unnormalised. */
  readonly logWeight: Float64Array;
  readonly ess: number;
  /** log of the mean of the product of all potentials so far, an unbiased estimate of whose exponential it is. */
  readonly logNormalizer: number;
  /** @throws ShapeError; ValueError for NaN or +Infinity; DegeneracyError when nothing is left. */
  weigh(logPotential: ArrayLike<number>, rows?: readonly CorrectedRows[]): Promise<Corrected>;
  /**
   * By lambda r of the estimates E[x_0 given x] (-Infinity: it says nothing yet), at `last` of the points themselves: the
   * sample then follows the law of the loop times exp(lambda r).
   */
  weighReward(reward: ArrayLike<number>, rows?: readonly CorrectedRows[], last?: boolean): Promise<Corrected>;
  /**
   * By what guidance lacks of the target prod q_i^b_i, after a step of `eulerMaruyama()` by sum b_i of the predictions. The
   * start is to have the deviation `initNoiseSigma` / sqrt(B).
   */
  weighGuidance(step: GuidedStep, rows?: readonly CorrectedRows[]): Promise<Corrected>;
}

const WHERE = 'correct';

/**
 * Weights for an existing loop.
 * @throws OptionError for bad options.
 */
export function correct(options: CorrectOptions): Correction {
  checkOptionNames(WHERE, options, ['particles', 'resample', 'scheme', 'seed', 'backend']);
  const n = checkCount(WHERE, 'particles', options.particles, { min: 1 });
  const { resample: rule = { ess: 0.5 }, seed = 0 } = options;
  checkOptionNames(`${WHERE}.resample`, rule, ['ess']);
  const share = checkNumber(WHERE, 'resample.ess', rule.ess, (x) => x >= 0 && x <= 1, 'a share from 0 to 1');
  const scheme = checkOneOf(WHERE, 'scheme', options.scheme ?? 'systematic', SCHEME_NAMES);
  const rng = rngFromSeed(seed);
  const logWeight = new Float64Array(n);
  /** [n] the reward a particle was weighed by last. */
  const paid = new Float64Array(n);
  let [before, step] = [0, 0];
  const weigh = async (potential: ArrayLike<number>, rows: readonly CorrectedRows[]): Promise<Corrected> => {
    checkRows(n, potential, rows);
    for (let i = 0; i < n; i++) logWeight[i] = logWeight[i]! + potential[i]!;
    step++;
    const size = ess(logWeight);
    if (size >= share * n)
      return { resampled: false, ancestor: Uint32Array.from(logWeight.keys()), ess: size };
    const backend = options.backend ?? (await defaultBackend());
    const { ancestor, logMean, sorted } = await resample({ logWeight, rng, scheme, step, backend });
    before += logMean;
    logWeight.fill(0);
    for (const array of [paid, ...rows]) gather(array, ancestor, sorted);
    return { resampled: true, ancestor, ess: size };
  };
  return {
    logWeight,
    get ess() {
      return ess(logWeight);
    },
    get logNormalizer() {
      return before + logMeanExp(logWeight);
    },
    weigh: (potential, rows = []) => weigh(checkPotential(n, potential), rows),
    async weighReward(reward, rows = [], last = false) {
      checkRows(n, reward, rows);
      const potential = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const r = reward[i]!;
        if (r === -Infinity && !last) continue;
        potential[i] = r - paid[i]!;
        paid[i] = r;
      }
      return weigh(checkPotential(n, potential), rows);
    },
    weighGuidance: async (guided, rows = []) => weigh(checkPotential(n, guidancePotential(guided, n)), rows),
  };
}

/** log G of each row of a guided step. */
function guidancePotential(guided: GuidedStep, n: number): Float64Array {
  const { schedule, time, next, exponents, predictions, prediction = 'noise' } = guided;
  checkList(WHERE, 'predictions', predictions, 'the predictions of each model');
  checkNumber(
    WHERE,
    'predictions.length',
    predictions.length,
    (M) => M === exponents.length,
    'one for each exponent',
  );
  checkNumber(WHERE, 'next', next, (u) => u >= 0 && u < time, `a time before ${time}`);
  const x = Float64Array.from(guided.x);
  const d = x.length / n;
  const scores = predictions.map((values) => {
    if (values.length !== x.length) throw wrongLength('predictions', values.length, x.length);
    const score = Float64Array.from(values);
    const odd = convert(prediction, 'score', schedule, x, score, time, n, d, score);
    checkNumber(WHERE, 'time', time, () => odd < 0, 'one with some noise');
    return score;
  });
  const total = exponents.reduce((sum, b) => sum + b, 0);
  const constant = d * (total - 1) * schedule.drift(time);
  const half = 0.5 * schedule.diffusion(time);
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let apart = 0;
    for (let at = i * d; at < (i + 1) * d; at++) {
      let sum = 0;
      for (const [m, b] of exponents.entries()) {
        const s = scores[m]![at]!;
        sum += b * s;
        apart -= b * s * s;
      }
      apart += sum * sum;
    }
    out[i] = (time - next) * (constant + half * apart);
  }
  return out;
}

/** Rows become those of their ancestors, in place. */
function gather(array: CorrectedRows, ancestor: Uint32Array, sorted: boolean): void {
  const k = array.length / ancestor.length;
  if (sorted) {
    // No row is read after it was written: of j < i with a_j <= a_i, forwards j <= a_j never comes back to what is below i,
    // and what is read backwards, a_i < i, was left alone before, as its own ancestor is not above it.
    const copy = (i: number): unknown => array.copyWithin(i * k, ancestor[i]! * k, (ancestor[i]! + 1) * k);
    for (let i = 0; i < ancestor.length; i++) if (ancestor[i]! > i) copy(i);
    for (let i = ancestor.length - 1; i >= 0; i--) if (ancestor[i]! < i) copy(i);
    return;
  }
  const from = array.slice();
  for (const [i, a] of ancestor.entries()) array.set(from.subarray(a * k, (a + 1) * k), i * k);
}

function checkPotential(n: number, potential: ArrayLike<number>): ArrayLike<number> {
  for (let i = 0; i < n; i++) {
    const value = potential[i]!;
    if (value < Infinity || potential.length !== n) continue;
    const found = `the log potential of particle ${i} is ${value}`;
    throw new ValueError({ where: WHERE, found, expected: 'a finite number or -Infinity', index: i });
  }
  return potential;
}

function checkRows(n: number, potential: ArrayLike<number>, rows: readonly CorrectedRows[]): void {
  if (potential.length !== n) throw wrongLength('the potential', potential.length, n);
  for (const [r, { length }] of rows.entries())
    if (length % n !== 0) throw wrongLength(`rows[${r}]`, length, n, 'a multiple of ');
}

function wrongLength(what: string, length: number, n: number, of = ''): ShapeError {
  return new ShapeError({ where: WHERE, found: `${what} has ${length} numbers`, expected: `${of}${n}` });
}
