import type {
  BackendChoice,
  DesignName,
  EstimatorName,
  IntervalName,
  MissingPolicy,
} from '../estimators/index.ts';
import { usageError } from './errors.ts';
import {
  type Flags,
  flagText,
  readFile,
  readGroups,
  readInteger,
  readLevel,
  readMissing,
  readName,
  readNames,
  readPositive,
} from './flag-values.ts';
import { count } from './format/number.ts';

/** What the user asked of any command that runs a model or shows a result. Absent where a flag was not given. */
export interface RunSettings {
  readonly seed: number | undefined;
  readonly backend: BackendChoice['backend'];
  readonly threads: number | undefined;
  readonly allowSoftware: boolean;
  readonly json: boolean;
  readonly csv: string | undefined;
  readonly report: string | undefined;
  readonly resume: string | undefined;
  readonly quiet: boolean;
}

/** The same of the commands about Sobol' indices. */
export interface Settings extends RunSettings {
  readonly method: MethodName;
  readonly points: number;
  readonly replicates: number | undefined;
  readonly secondOrder: boolean;
  readonly estimator: EstimatorName | undefined;
  readonly design: DesignName;
  readonly interval: IntervalName | undefined;
  readonly resamples: number | undefined;
  readonly level: number | undefined;
  readonly until: number | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly groups: Readonly<Record<string, readonly string[]>> | undefined;
  readonly missing: MissingPolicy | undefined;
}

/** How `ensample sobol` finds its indices: by rows with inputs exchanged, or by adaptive importance sampling. */
export type MethodName = 'pick-freeze' | 'importance';
export const METHODS: readonly MethodName[] = ['pick-freeze', 'importance'];

export const ESTIMATORS: readonly EstimatorName[] = [
  'saltelli',
  'jansen',
  'janon',
  'martinez',
  'azzini',
  'owen',
  'mauntz',
  'homma-saltelli',
  'saltelli2002',
];
export const DESIGNS: readonly DesignName[] = ['sobol', 'lhs', 'iid'];
export const INTERVALS: readonly IntervalName[] = ['replicates', 'asymptotic', 'bootstrap'];
export const BACKENDS: readonly NonNullable<BackendChoice['backend']>[] = ['auto', 'wasm', 'js', 'webgpu'];

export const DEFAULT_POINTS = 16_384;
/** Points of one scramble are addressed by 32 bits. */
const MOST_POINTS = 2 ** 32;
const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

/**
 * Reads and checks the flags of a command; nothing has been loaded or run before.
 * @throws OptionError naming the flag, its value, what was expected and the nearest spelling.
 */
export function readSettings(where: string, flags: Flags): Settings {
  const integer = (option: string, least: number, most: number, example: string): number | undefined =>
    readInteger(where, option, flagText(flags, option), least, most, example);
  return {
    ...readRunSettings(where, flags),
    method: readName(where, 'method', flagText(flags, 'method'), METHODS) ?? 'pick-freeze',
    points: readPoints(where, flags) ?? DEFAULT_POINTS,
    replicates: integer('replicates', 1, 4096, '8'),
    secondOrder: flags.secondOrder === true,
    estimator: readName(where, 'estimator', flagText(flags, 'estimator'), ESTIMATORS),
    design: readName(where, 'design', flagText(flags, 'design'), DESIGNS) ?? 'sobol',
    interval: readName(where, 'interval', flagText(flags, 'interval'), INTERVALS),
    resamples: integer('resamples', 20, 1e6, '1000'),
    level: readLevel(where, flagText(flags, 'level')),
    until: readPositive(where, 'until', flagText(flags, 'until')),
    outputs: readNames(where, 'outputs', flagText(flags, 'outputs')),
    groups: readGroups(where, flagText(flags, 'groups')),
    missing: readMissing(where, flagText(flags, 'missing')),
  };
}

/** @throws OptionError for the first flag about the run that cannot be used. */
export function readRunSettings(where: string, flags: Flags): RunSettings {
  const integer = (option: string, least: number, most: number, example: string): number | undefined =>
    readInteger(where, option, flagText(flags, option), least, most, example);
  const file = (option: string): string | undefined => readFile(where, option, flagText(flags, option));
  return {
    seed: integer('seed', 0, LARGEST_SEED, '7'),
    backend: readName(where, 'backend', flagText(flags, 'backend'), BACKENDS),
    threads: integer('threads', 1, 1024, '2'),
    allowSoftware: flags.allowSoftwareGpu === true,
    json: flags.json === true,
    csv: file('csv'),
    report: file('report'),
    resume: file('resume'),
    quiet: flags.quiet === true,
  };
}

/** Points in total, as many as can be addressed. */
export function readPoints(where: string, flags: Flags): number | undefined {
  const text = flagText(flags, 'points');
  const points = readInteger(where, 'points', text, 2, Number.MAX_SAFE_INTEGER, String(DEFAULT_POINTS));
  if (points === undefined || points <= MOST_POINTS) return points;
  // One output and the two halves of a one-input design: what any model would need at least.
  const least = ((points * 3 + points * 2) * 8) / 2 ** 30;
  throw usageError(
    where,
    '--points',
    text!,
    `at most ${count(MOST_POINTS)} (2^32)`,
    `It would need at least ${count(least)} GiB of memory. Try --points ${2 ** 20}.`,
  );
}

/** A seed that is short enough to be typed again. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
