import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { Density } from '../types.ts';
import type { Law } from './law.ts';

/** A law of d real numbers at once. Immutable. */
export interface MultivariateLaw extends Density {
  readonly name: string;
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d] row-major, symmetric. */
  readonly covariance: Float64Array;
  /** What a mixture is made of; weights sum to 1. Absent from other laws. */
  readonly parts?: readonly { readonly law: MultivariateLaw; readonly weight: number }[];
  /** [d] the laws of coordinates that are independent. Absent from other laws. */
  readonly marginals?: readonly Law[];
  describe(): string;
}

/** A matrix as rows of numbers. */
export type Rows = readonly (readonly number[])[];

/**
 * The joint law of independent coordinates, each with its own law.
 * @throws OptionError when there is none.
 */
export function independent(laws: readonly Law[]): MultivariateLaw {
  const d = laws.length;
  if (d === 0) {
    throw new OptionError({
      where: 'independent',
      option: 'laws',
      value: laws,
      found: '`laws` is empty',
      expected: 'at least one law',
    });
  }
  const covariance = new Float64Array(d * d);
  laws.forEach((law, i) => {
    covariance[i * d + i] = law.variance;
  });
  return {
    name: 'independent',
    dimension: d,
    mean: Float64Array.from(laws, (law) => law.mean),
    covariance,
    marginals: laws,
    logDensity: (x, out) => {
      for (let i = 0; i * d < x.length; i++) {
        let sum = 0;
        for (let c = 0; c < d; c++) sum += laws[c]!.logDensity(x[i * d + c]!);
        out[i] = sum;
      }
    },
    transport: (u, x) => {
      for (let c = 0; c < d; c++) {
        const { quantile } = laws[c]!;
        for (let i = c; i < u.length; i += d) x[i] = quantile(u[i]!);
      }
    },
    describe: () => `independent ${laws.map((law) => law.describe()).join('; ')}`,
  };
}

/**
 * A square symmetric matrix of finite numbers as row-major [d, d].
 * @throws OptionError naming the first entry that breaks this.
 */
export function checkSymmetric(where: string, option: string, rows: Rows, d: number): Float64Array {
  const flat = new Float64Array(d * d);
  const fail = (found: string, expected: string): never => {
    throw new OptionError({ where, option, value: rows, found: `\`${option}\` ${found}`, expected });
  };
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row) || ArrayBuffer.isView(row)))
    fail(`is ${show(rows)}`, `${d} rows of ${d} numbers`);
  if (rows.length !== d) fail(`has ${rows.length} rows`, `${d} rows of ${d} numbers`);
  for (let i = 0; i < d; i++) {
    const row = rows[i]!;
    if (row.length !== d) fail(`has ${row.length} entries in row ${i}`, `${d}, a square matrix`);
    for (let j = 0; j < d; j++) {
      const entry = row[j];
      if (!Number.isFinite(entry)) fail(`has ${show(entry)} at row ${i}, column ${j}`, 'finite numbers');
      if (j < i && entry !== flat[j * d + i])
        fail(
          `is ${show(entry)} at (${i}, ${j}) and ${flat[j * d + i]} at (${j}, ${i})`,
          'a symmetric matrix',
        );
      flat[i * d + j] = entry!;
    }
  }
  return flat;
}
