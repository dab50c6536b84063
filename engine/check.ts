import { OptionError } from './errors.ts';

/**
 * A count: an integer in [min, max].
 * @throws OptionError naming the option, its value and the range.
 */
export function checkCount(
  where: string,
  option: string,
  value: unknown,
  range: { readonly min: number; readonly max?: number; readonly fix?: string },
): number {
  const max = range.max ?? Number.MAX_SAFE_INTEGER;
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= max)
    return value;
  const upper = range.max === undefined ? '' : ` and <= ${range.max}`;
  const nearest =
    typeof value === 'number' && Number.isFinite(value) ? clampCount(value, range.min, max) : range.min;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: `an integer >= ${range.min}${upper}`,
    fix: range.fix ?? `Try ${option}: ${nearest}.`,
  });
}

function clampCount(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, Math.round(value)));
}

/**
 * A finite number strictly or loosely inside a range.
 * @throws OptionError naming the option, its value and the range.
 */
export function checkNumber(
  where: string,
  option: string,
  value: unknown,
  accept: (x: number) => boolean,
  expected: string,
): number {
  if (typeof value === 'number' && accept(value)) return value;
  throw new OptionError({ where, option, value, found: `option \`${option}\` is ${show(value)}`, expected });
}

/**
 * true or false, and nothing that only counts as one of them.
 * @throws OptionError
 */
export function checkFlag(where: string, option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const found = `option \`${option}\` is ${show(value)}`;
  throw new OptionError({ where, option, value, found, expected: 'true or false' });
}

/**
 * A record { name: ... }: an object that is no list and no function.
 * @throws OptionError
 */
export function checkRecord(where: string, option: string, value: unknown, expected: string): void {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return;
  const found = `option \`${option}\` is ${show(value)}`;
  throw new OptionError({ where, option, value, found, expected });
}

/**
 * A list.
 * @throws OptionError
 */
export function checkList(where: string, option: string, value: unknown, expected: string): void {
  if (Array.isArray(value)) return;
  const found = `option \`${option}\` is ${show(value)}`;
  throw new OptionError({ where, option, value, found, expected });
}

/**
 * An object of options that holds no others than the `known` ones: a misspelt option must not be ignored in silence.
 * @throws OptionError naming the first stranger and the nearest known name.
 */
export function checkOptionNames(where: string, options: unknown, known: readonly string[]): void {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new OptionError({
      where,
      option: 'options',
      value: options,
      found: `the options are ${show(options)}`,
      expected: `an object with some of ${known.join(', ')}`,
    });
  }
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const near = nearestName(stranger, known);
  throw new OptionError({
    where,
    option: stranger,
    value: (options as Readonly<Record<string, unknown>>)[stranger],
    found: `there is no option \`${stranger}\``,
    expected: `some of ${known.join(', ')}`,
    ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
  });
}

/**
 * One of a list of names; the message suggests the nearest spelling.
 * @throws OptionError
 */
export function checkOneOf<T extends string>(
  where: string,
  option: string,
  value: unknown,
  allowed: readonly T[],
): T {
  const hit = allowed.find((name) => name === value);
  if (hit !== undefined) return hit;
  const near = typeof value === 'string' ? nearestName(value, allowed) : undefined;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: `one of ${allowed.join(', ')}`,
    ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
  });
}

/**
 * The allowed name closest in spelling (at most a third of the letters differ, in short names
 * one of three or two of more), or else the only
 * one that begins with `name`, from three letters on; undefined when there is none.
 */
export function nearestName<T extends string>(name: string, allowed: readonly T[]): T | undefined {
  let best: T | undefined;
  let least = Math.min(name.length - 1, Math.max(2, Math.ceil(name.length / 3))) + 1;
  for (const candidate of allowed) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  if (best !== undefined || name.length < 3) return best;
  const longer = allowed.filter((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase()));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Edits between two words: insertions, deletions, replacements, and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** A value as it appears in a message: short, quoted if a string. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value !== null && typeof value === 'object')
    return `an object with ${Object.keys(value).join(', ') || 'no keys'}`;
  return String(value);
}

/** 16384 as '16 384'. */
export function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** What a run may keep: WebAssembly memory ends at 4 GiB, and half a GiB is left for everything else. */
export const MOST_BYTES: number = 3.5 * 2 ** 30;

/**
 * Memory that a number of points keeps, checked before it is taken.
 * @throws OptionError naming the memory it would need, when that is more than `MOST_BYTES`.
 */
export function checkPointMemory(where: string, points: number, bytesPerPoint: number): void {
  const bytes = points * bytesPerPoint;
  if (bytes <= MOST_BYTES) return;
  throw new OptionError({
    where,
    option: 'points',
    value: points,
    found: `${spaced(points)} points need ${gibibytes(bytes)} GiB for their outputs`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: `Try points: ${Math.max(2, 2 ** Math.floor(Math.log2(MOST_BYTES / bytesPerPoint)))}.`,
  });
}

function gibibytes(bytes: number): string {
  return spaced(Number((bytes / 2 ** 30).toPrecision(3)));
}
