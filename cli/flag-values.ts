import { type MissingPolicy, nearestName } from '../estimators/index.ts';
import { usageError } from './errors.ts';

/** Option values as commander hands them over: text, or true for a switch. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** The text of a flag; undefined where it was not given. */
export function flagText(flags: Flags, option: string): string | undefined {
  const value = flags[option];
  return typeof value === 'string' ? value : undefined;
}

/** An integer in a range. @param example a value that would do, for the message. */
export function readInteger(
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
  const range =
    most === Number.MAX_SAFE_INTEGER ? `an integer from ${least} on` : `an integer from ${least} to ${most}`;
  throw usageError(where, `--${option}`, text, range, `Try --${option} ${example}.`);
}

/** A level between 0 and 1; a percentage gets the hint. */
export function readLevel(where: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  const near = value >= 50 && value < 100 ? value / 100 : 0.95;
  throw usageError(where, '--level', text, 'a number between 0 and 1', `Try --level ${near}.`);
}

/** A finite number above 0. */
export function readPositive(where: string, option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw usageError(where, `--${option}`, text, 'a number above 0', `Try --${option} 0.01.`);
}

/** One of some words, with the nearest as a hint. */
export function readName<T extends string>(
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

/** Different names with commas between them. */
export function readNames(
  where: string,
  option: string,
  text: string | undefined,
): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '') && new Set(names).size === names.length) return names;
  throw usageError(where, `--${option}`, text, 'different names with commas between them', 'Try a,b.');
}

/** 'soil=k1,k2;rain=r1,r2' as a record. */
export function readGroups(
  where: string,
  text: string | undefined,
): Readonly<Record<string, readonly string[]>> | undefined {
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

/**
 * What to do with failed points: a word or the number to put there.
 * @param weighted whether points are weighted: then 'drop-row', which the caller refuses with the reason, is not offered.
 */
export function readMissing(
  where: string,
  text: string | undefined,
  weighted = false,
): MissingPolicy | undefined {
  if (text === undefined || text === 'error' || text === 'drop-row') return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  const words = weighted ? ['error'] : ['error', 'drop-row'];
  const near = nearestName(text, words);
  const fix = near === undefined ? undefined : `Did you mean ${near}?`;
  throw usageError(where, '--missing', text, `${words.join(', ')} or a number`, fix);
}

/** The name of a file, which must not be empty. */
export function readFile(where: string, option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text !== '') return text;
  throw usageError(where, `--${option}`, text, 'the name of a file');
}
