import {
  type BackendChoice,
  type DesignName,
  type EstimatorName,
  type IntervalName,
  type MissingPolicy,
  nearestName,
} from '../estimators/index.ts';
import { usageError } from './errors.ts';
import { count } from './format/number.ts';

/** Option values as commander hands them over: text, or true for a switch. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** What the user asked for, checked. Absent where a flag was not given. */
export interface Settings {
  readonly points: number;
  readonly replicates: number | undefined;
  readonly seed: number | undefined;
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
  readonly backend: BackendChoice['backend'];
  readonly threads: number | undefined;
  readonly allowSoftware: boolean;
  readonly json: boolean;
  readonly csv: string | undefined;
  readonly report: string | undefined;
  readonly resume: string | undefined;
  readonly quiet: boolean;
}

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
  const file = (option: string): string | undefined => readFile(where, option, flagText(flags, option));
  return {
    points: readPoints(where, flags) ?? DEFAULT_POINTS,
    replicates: integer('replicates', 1, 4096, '8'),
    seed: integer('seed', 0, LARGEST_SEED, '7'),
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

function flagText(flags: Flags, option: string): string | undefined {
  const value = flags[option];
  return typeof value === 'string' ? value : undefined;
}

function readPoints(where: string, flags: Flags): number | undefined {
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

function readInteger(
  where: string,
  option: string,
  text: string | undefined,
  least: number,
  most: number,
  example: string,
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === LARGEST_SEED ? `an integer from ${least} on` : `an integer from ${least} to ${most}`;
  throw usageError(where, `--${option}`, text, range, `Try --${option} ${example}.`);
}

function readLevel(where: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  const near = value >= 50 && value < 100 ? value / 100 : 0.95;
  throw usageError(where, '--level', text, 'a number between 0 and 1', `Try --level ${near}.`);
}

function readPositive(where: string, option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw usageError(where, `--${option}`, text, 'a number above 0', `Try --${option} 0.01.`);
}

function readName<T extends string>(
  where: string,
  option: string,
  text: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const hit = allowed.find((name) => name === text);
  if (hit !== undefined) return hit;
  const near = nearestName(text, allowed);
  const fix = near === undefined ? undefined : `Did you mean ${near}?`;
  throw usageError(where, `--${option}`, text, `one of ${allowed.join(', ')}`, fix);
}

function readNames(where: string, option: string, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '') && new Set(names).size === names.length) return names;
  throw usageError(where, `--${option}`, text, 'different names with commas between them', 'Try a,b.');
}

/** 'soil=k1,k2;rain=r1,r2' as a record. */
function readGroups(where: string, text: string | undefined): Settings['groups'] {
  if (text === undefined) return undefined;
  const groups: Record<string, readonly string[]> = {};
  for (const part of text.split(';').filter((piece) => piece.trim() !== '')) {
    const [name, members, ...rest] = part.split('=').map((piece) => piece.trim());
    const list = (members ?? '').split(',').map((piece) => piece.trim());
    if (!name || rest.length > 0 || list.some((member) => member === '') || Object.hasOwn(groups, name))
      throw usageError(where, '--groups', text, 'groups such as "soil=k1,k2;rain=r1,r2"');
    groups[name] = list;
  }
  return groups;
}

function readMissing(where: string, text: string | undefined): MissingPolicy | undefined {
  if (text === undefined || text === 'error' || text === 'drop-row') return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  const near = nearestName(text, ['error', 'drop-row']);
  const fix = near === undefined ? undefined : `Did you mean ${near}?`;
  throw usageError(where, '--missing', text, 'error, drop-row or a number', fix);
}

function readFile(where: string, option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text !== '') return text;
  throw usageError(where, `--${option}`, text, 'the name of a file');
}

/** A seed that is short enough to be typed again. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
