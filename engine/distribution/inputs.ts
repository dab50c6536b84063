import { show } from '../check.ts';
import { digest } from '../digest.ts';
import { OptionError } from '../errors.ts';
import type { Law } from './law.ts';

/** The uncertain inputs of a model by name; the order of the record is the order of the columns. */
export type Inputs = Readonly<Record<string, Law>>;

/** How inputs depend on each other: maps independent uniforms to dependent ones. */
export interface Dependence {
  readonly dimension: number;
  /** Independent uniforms `u` [n, d] to dependent uniforms `v` [n, d]; `v` may be `u`. */
  transport(u: Float64Array, v: Float64Array, n: number): void;
  /** The same of standard normals `z` [n, d], in place: upper tails keep the digits that uniforms near 1 have lost. */
  correlate?(z: Float64Array, n: number): void;
  /** Back from normals that depend on each other to independent ones: the inverse of `correlate`, in place. */
  decorrelate?(z: Float64Array, n: number): void;
  /**
   * log density of the dependence (that of the copula) at normal scores `z` [n, d] of the inputs into `out` [n]. Scores
   * and not uniforms, which end before the upper tail does. Without it the inputs have no joint density.
   */
  logDensity?(z: Float64Array, n: number, out: Float64Array): void;
  /** True when inputs i and j depend on each other, directly or through others. */
  linked(i: number, j: number): boolean;
}

/** Inputs as columns: names, laws, and the map from uniforms to values. */
export interface InputSpace {
  readonly names: readonly string[];
  readonly laws: readonly Law[];
  readonly dimension: number;
  readonly dependence: Dependence | undefined;
  /** Uniforms `u` [n, d] to input values `x` [n, d]; `x` may be `u`. */
  transport(u: Float64Array, x: Float64Array, n: number): void;
}

/**
 * Check a record of laws and lay it out as columns.
 * @throws OptionError when it is empty, or an entry is not a law, or `dependence` has another dimension.
 */
export function inputSpace(where: string, inputs: Inputs, dependence?: Dependence): InputSpace {
  const names = Object.keys(inputs ?? {});
  const laws = names.map((name) => checkLaw(where, name, inputs[name]));
  if (names.length === 0) throw noInputs(where, inputs);
  const d = names.length;
  if (dependence !== undefined && dependence.dimension !== d) throw wrongDimension(where, dependence, d);
  const transport = (u: Float64Array, x: Float64Array, n: number): void => {
    if (dependence !== undefined) dependence.transport(u, x, n);
    const from = dependence === undefined ? u : x;
    for (let c = 0; c < d; c++) {
      const quantile = laws[c]!.quantile;
      for (let i = c; i < n * d; i += d) x[i] = quantile(from[i]!);
    }
  };
  return { names, laws, dimension: d, dependence, transport };
}

/** Points at which a dependence is compared. */
const PROBES = 4;

/**
 * A short text that changes with the names, laws, their parameters (data included) and the dependence of inputs: what
 * must agree before a saved run goes on. Two different spaces share one by chance in 2^64.
 */
export function inputDigest({ names, laws, dimension, dependence }: InputSpace): string {
  const parts = names.map((name, c) => [name, laws[c]!.describe(), laws[c]!.parameters] as const);
  // Fractional parts of multiples of the golden ratio: points inside the cube, no two coordinates alike.
  const probes = Float64Array.from(
    { length: PROBES * dimension },
    (_, i) => ((i + 1) * 0.6180339887498949) % 1,
  );
  if (dependence !== undefined) dependence.transport(probes, probes, PROBES);
  return digest(JSON.stringify([parts, dependence === undefined ? [] : [...probes]]));
}

function checkLaw(where: string, name: string, law: unknown): Law {
  if (law !== null && typeof law === 'object' && 'quantile' in law && typeof law.quantile === 'function') {
    return law as Law; // a foreign object that answers the interface is as good as ours
  }
  throw new OptionError({
    where,
    option: `inputs.${name}`,
    value: law,
    found: `input \`${name}\` is ${show(law)}`,
    expected: 'a law such as uniform(0, 1)',
  });
}

function noInputs(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'inputs',
    value,
    found: value === undefined ? '`inputs` is missing' : '`inputs` has no entries',
    expected: 'a record { name: law } with at least one input',
    fix: 'For example inputs: { x: uniform(0, 1) }.',
  });
}

function wrongDimension(where: string, dependence: Dependence, d: number): OptionError {
  return new OptionError({
    where,
    option: 'dependence',
    value: dependence.dimension,
    found: `\`dependence\` is for ${dependence.dimension} inputs`,
    expected: `${d}, one for each entry of \`inputs\``,
  });
}
