import { checkCount, checkNumber, checkOptionNames, show } from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { OptionError } from '../../../engine/errors.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { SEQUENCE_POINTS } from '../../../engine/random/point-types.ts';
import type { AccuracyLevel, MultilevelOptions } from './multilevel-types.ts';

/** A level whose inputs are laid out. */
export interface CheckedLevel extends AccuracyLevel {
  readonly space: InputSpace;
}

/** Checked options with their defaults. */
export interface MultilevelPlan {
  readonly where: string;
  /** @throws OptionError when the user's level cannot be used. */
  level(l: number): CheckedLevel;
  /** Levels there are from the start. */
  readonly first: number;
  readonly deepest: number;
  readonly pilot: number;
  readonly samples: readonly number[] | undefined;
  /** Mean square error that sampling may have; Infinity with `samples`. */
  readonly variance: number;
  /** Bias there may be; undefined in a fixed hierarchy. */
  readonly bias: number | undefined;
  readonly known: { readonly alpha?: number; readonly beta?: number };
  readonly confidence: number;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof MultilevelOptions, true>> = {
  levels: true,
  accuracy: true,
  finest: true,
  samples: true,
  pilot: true,
  deepest: true,
  rates: true,
  biasShare: true,
  level: true,
};
const PILOT = 1000;
const DEEPEST = 10;
/** Levels of an open hierarchy to begin with: two corrections, from which rates can be told. */
const START = 3;

const between = (x: number): boolean => x > 0 && x < 1;
const positive = (x: number): boolean => x > 0 && Number.isFinite(x);

/** @throws OptionError for the first option that cannot be used. */
export function checkMultilevel(where: string, options: MultilevelOptions): MultilevelPlan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const { levels, samples, accuracy, finest, rates = {}, biasShare, pilot } = options;
  if (typeof levels !== 'function') throw wrong(where, 'levels', levels, 'a function of the level');
  checkTogether(where, options);
  const confidence = checkNumber(where, 'level', options.level ?? 0.95, between, 'a number between 0 and 1');
  const share = checkNumber(where, 'biasShare', biasShare ?? 0.5, between, 'a number between 0 and 1');
  checkOptionNames(`${where}: rates`, rates, ['alpha', 'beta']);
  for (const name of ['alpha', 'beta'] as const)
    if (rates[name] !== undefined)
      checkNumber(where, `rates.${name}`, rates[name], positive, 'a finite number above 0');
  const deepest = checkCount(where, 'deepest', options.deepest ?? DEEPEST, { min: START - 1, max: 60 });
  const count =
    samples?.length ??
    (finest === undefined ? START : 1 + checkCount(where, 'finest', finest, { min: 0, max: 60 }));
  const square =
    accuracy === undefined
      ? Infinity
      : checkNumber(where, 'accuracy', accuracy, positive, 'a finite number above 0') ** 2;
  const open = samples === undefined && finest === undefined;
  const plan = {
    where,
    first: count,
    deepest,
    pilot: checkCount(where, 'pilot', pilot ?? PILOT, { min: 2, max: SEQUENCE_POINTS }),
    samples: samples?.map((n, l) => checkCount(where, `samples[${l}]`, n, { min: 2, max: SEQUENCE_POINTS })),
    variance: open ? (1 - share) * square : square,
    bias: open ? Math.sqrt(share * square) : undefined,
    known: rates,
    confidence,
  };
  const level = (l: number): CheckedLevel => checkLevel(where, l, levels(l));
  const known = Array.from({ length: count }, (_, l) => level(l));
  const digests = known.map(({ space, model }) => [inputDigest(space), kernelDigest(model)]);
  return { ...plan, level, fingerprint: JSON.stringify([plan, digests]) };
}

function checkTogether(
  where: string,
  { samples, accuracy, finest, deepest, biasShare, pilot, rates }: MultilevelOptions,
): void {
  if (samples === undefined) {
    if (accuracy === undefined)
      throw wrong(where, 'accuracy', accuracy, 'a root mean square error, or `samples`');
    if (finest !== undefined && biasShare !== undefined)
      throw wrong(
        where,
        'biasShare',
        biasShare,
        'none with `finest`: a fixed hierarchy has no share for the bias',
      );
    if (finest !== undefined && deepest !== undefined)
      throw wrong(where, 'deepest', deepest, 'none with `finest`, which fixes the last level');
    return;
  }
  if (!Array.isArray(samples) || samples.length === 0)
    throw wrong(where, 'samples', samples, 'a list of counts, one for each level');
  for (const [name, value] of Object.entries({ accuracy, finest, deepest, biasShare, pilot, rates }))
    if (value !== undefined) throw wrong(where, name, value, 'either it or `samples`');
}

function checkLevel(where: string, l: number, level: AccuracyLevel): CheckedLevel {
  checkOptionNames(`${where}: level ${l}`, level, ['model', 'inputs', 'cost']);
  const { inputs, cost } = level;
  checkNumber(`${where}: level ${l}`, 'cost', cost, positive, 'a finite number above 0');
  const space =
    typeof inputs === 'object'
      ? inputSpace(`${where}: level ${l}`, inputs)
      : standardNormals(checkCount(`${where}: level ${l}`, 'inputs', inputs, { min: 1, max: 2 ** 24 }));
  return { ...level, space };
}

/** d independent standard normals z1, z2, ... */
function standardNormals(d: number): InputSpace {
  const law = normal(0, 1);
  return inputSpace(
    'multilevel',
    Object.fromEntries(Array.from({ length: d }, (_, c) => [`z${c + 1}`, law])),
  );
}

function wrong(where: string, option: string, value: unknown, expected: string): OptionError {
  return new OptionError({ where, option, value, found: `option \`${option}\` is ${show(value)}`, expected });
}
