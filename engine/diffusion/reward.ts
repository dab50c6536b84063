import { checkList, checkNumber, show } from '../check.ts';
import { checkParameter } from '../distribution/law.ts';
import { checkSymmetric, type Rows } from '../distribution/multivariate.ts';
import { OptionError } from '../errors.ts';
import type { LogDensitySource } from '../model/log-density.ts';
import type { BatchFn } from '../types.ts';

/*
 * | symbol | name here | shape |
 * |---|---|---|
 * | r(x) | value | [n] |
 * | grad r | gradient | [n, d] |
 */

/**
 * A reward r(x) of clean points, in nats: samplers aim at p(x) exp(r(x)), so multiply by an inverse temperature first.
 * -Infinity is a value (such points have no mass); NaN and +Infinity are errors. Functions fill their outputs for all
 * rows of `x` [n, d].
 */
export interface Reward {
  /** For messages: 'linear reward'. */
  readonly name?: string;
  /** r -> out [n]. */
  readonly value: BatchFn;
  /** r -> out [n] and grad r -> gradient [n, d], together. */
  gradient?(x: Float64Array, out: Float64Array, gradient: Float64Array): void | Promise<void>;
  /** Of rewards of a known form, so that laws tilted by them can be written down (`exactTarget`). */
  readonly form?: RewardForm;
}

export type RewardForm =
  /** c . x */
  | { readonly kind: 'linear'; readonly slope: readonly number[] }
  /** -(x - m)' A (x - m) / 2 */
  | { readonly kind: 'quadratic'; readonly center: readonly number[]; readonly matrix: Rows };

/** A reward, or whatever a log likelihood may be: `pointwise((x) => ...)`, a batch function, `moduleModel`, `gpuKernel`. */
export type RewardLike = Reward | LogDensitySource;

/**
 * r(x) = c . x with its gradient c.
 * @param slope [d] c.
 * @throws OptionError unless there is at least one number and all are finite.
 */
export function linearReward(slope: readonly number[]): Reward {
  const where = 'linearReward';
  checkNumbers(where, 'slope', slope);
  const d = slope.length;
  const value = (x: Float64Array, out: Float64Array): void => {
    checkWidth(where, x, out, d);
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += slope[c]! * x[i * d + c]!;
      out[i] = sum;
    }
  };
  return {
    name: 'linear reward',
    value,
    gradient(x, out, gradient) {
      value(x, out);
      for (let at = 0; at < gradient.length; at++) gradient[at] = slope[at % d]!;
    },
    form: { kind: 'linear', slope },
  };
}

/**
 * r(x) = -(x - m)' A (x - m) / 2 with its gradient -A (x - m).
 * @param center [d] m.
 * @param matrix [d, d] A as rows, symmetric and of any sign: the curvature downwards.
 * @throws OptionError unless all numbers are finite and the matrix is symmetric and as large as the center.
 */
export function quadraticReward(center: readonly number[], matrix: Rows): Reward {
  const where = 'quadraticReward';
  checkNumbers(where, 'center', center);
  const d = center.length;
  const a = checkSymmetric(where, 'matrix', matrix, d);
  const evaluate = (x: Float64Array, out: Float64Array, gradient: Float64Array | undefined): void => {
    checkWidth(where, x, out, d);
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (let c = 0; c < d; c++) {
        let slope = 0;
        for (let k = 0; k < d; k++) slope -= a[c * d + k]! * (x[i * d + k]! - center[k]!);
        sum += slope * (x[i * d + c]! - center[c]!);
        if (gradient !== undefined) gradient[i * d + c] = slope;
      }
      out[i] = sum / 2;
    }
  };
  return {
    name: 'quadratic reward',
    value: (x, out) => evaluate(x, out, undefined),
    gradient: evaluate,
    form: { kind: 'quadratic', center, matrix },
  };
}

function checkNumbers(where: string, option: string, values: readonly number[]): void {
  checkList(where, option, values, 'a list of numbers');
  checkNumber(where, `${option}.length`, values.length, (n) => n > 0, 'at least one number');
  values.forEach((value, c) => void checkParameter(where, `${option}[${c}]`, value));
}

/** Rows of another width would be read as other points. */
function checkWidth(where: string, x: Float64Array, out: Float64Array, d: number): void {
  if (x.length === out.length * d) return;
  throw new OptionError({
    where,
    option: 'x',
    value: x,
    found: `${x.length} numbers for ${out.length} points`,
    expected: `${d} a point, as the reward has`,
  });
}

/** Whether something was given as a `Reward`, rather than as a model or log density. */
export function isReward(source: unknown): source is Reward {
  return (
    source !== null && typeof source === 'object' && typeof (source as Partial<Reward>).value === 'function'
  );
}

/** A reward as it stands in messages and in the fingerprint of a run. */
export function describeReward(source: RewardLike): string {
  if (!isReward(source)) return show(source);
  const { name = 'a reward', form } = source;
  return form === undefined ? name : `${name} ${JSON.stringify(form)}`;
}
