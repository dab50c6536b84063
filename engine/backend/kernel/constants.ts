import { show } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import { type Rounded, roundedElement } from './exact.ts';
import type { KernelConstant, KernelConstants } from './types.ts';

/** A constant array in the buffer of constants. */
export interface ConstantArray {
  /** Where its first number is. */
  readonly at: number;
  /** Lengths of its levels, outermost first. */
  readonly shape: readonly number[];
  /** An integer that float32 rounds among its numbers. */
  readonly rounded: Rounded | undefined;
}

/** The constants of a kernel, checked and copied. */
export interface ConstantTable {
  /** The same in the user's form, for the host. */
  readonly host: KernelConstants;
  readonly numbers: ReadonlyMap<string, number>;
  readonly arrays: ReadonlyMap<string, ConstantArray>;
  /** All arrays one after the other, never empty. */
  readonly packed: Float32Array<ArrayBuffer>;
}

/** Above this many numbers an index would not be exact in float32. */
const MOST_NUMBERS = 2 ** 24;
/** Largest finite float32. */
export const FLOAT_MAX: number = 2 ** 128 - 2 ** 104;

/**
 * Check constants, and copy them so that later changes by the caller change nothing.
 * @throws OptionError when one is not a number or a rectangular array of numbers that float32 can hold.
 */
export function constantTable(where: string, constants: unknown): ConstantTable {
  if (constants === null || typeof constants !== 'object' || Array.isArray(constants))
    throw wrong(where, 'constants', constants, 'an object of numbers and arrays of numbers');
  const host: Record<string, KernelConstant> = {};
  const numbers = new Map<string, number>();
  const arrays = new Map<string, ConstantArray>();
  let length = 0;
  for (const [name, value] of Object.entries(constants)) {
    const place = `constants.${name}`;
    if (typeof value === 'number') {
      if (Number.isNaN(value)) throw wrong(where, place, value, 'a number');
      numbers.set(name, value);
      host[name] = value;
      continue;
    }
    const shape = shapeOf(where, place, value);
    arrays.set(name, { at: length, shape, rounded: undefined });
    length += shape.reduce((product, part) => product * part, 1);
    if (length > MOST_NUMBERS)
      throw wrong(where, place, value, `at most ${MOST_NUMBERS} numbers in all constants`);
  }
  const packed = new Float32Array(Math.max(1, length));
  for (const [name, { at, shape }] of arrays) {
    const value = (constants as KernelConstants)[name]!;
    pack(where, `constants.${name}`, value, shape, packed, at);
    host[name] = copyOf(value);
    arrays.set(name, { at, shape, rounded: roundedElement(value) });
  }
  return { host, numbers, arrays, packed };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** Lengths of the levels, read off the first elements. */
function shapeOf(where: string, place: string, value: unknown): number[] {
  const shape: number[] = [];
  let level = value;
  while (isList(level)) {
    if (level.length === 0) throw wrong(where, place, value, 'at least one number in each array');
    shape.push(level.length);
    level = level[0];
  }
  if (shape.length === 0 || shape.length > 3)
    throw wrong(where, place, value, 'a number, or an array of numbers with at most three levels');
  return shape;
}

/** Write a level of an array from `at` on; the position after it. */
function pack(
  where: string,
  place: string,
  value: unknown,
  [length, ...rest]: readonly number[],
  packed: Float32Array,
  at: number,
): number {
  if (!isList(value) || value.length !== length)
    throw wrong(where, place, value, `an array of ${length}, like its neighbours`);
  for (let i = 0; i < value.length; i++) {
    const part = value[i];
    if (rest.length > 0) at = pack(where, `${place}[${i}]`, part, rest, packed, at);
    else if (typeof part === 'number' && Math.abs(part) <= FLOAT_MAX) packed[at++] = part;
    else
      throw wrong(
        where,
        `${place}[${i}]`,
        part,
        `a number of at most ${FLOAT_MAX} in size, as float32 holds it`,
      );
  }
  return at;
}

function copyOf(value: KernelConstant): KernelConstant {
  if (typeof value === 'number') return value;
  if (typeof value[0] === 'number') return Float64Array.from(value as ArrayLike<number>);
  return Array.from(value as ArrayLike<KernelConstant>, copyOf) as KernelConstant;
}

function wrong(where: string, place: string, value: unknown, expected: string): OptionError {
  const found = isList(value) ? `an array of ${value.length}` : show(value);
  return new OptionError({ where, option: place, value, found: `\`${place}\` is ${found}`, expected });
}
