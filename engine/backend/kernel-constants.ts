import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { KernelConstant, KernelConstants } from './kernel-types.ts';

/** A constant array in the buffer of constants. */
export interface ConstantArray {
  /** Where its first number is. */
  readonly at: number;
  /** Lengths of its levels, outermost first. */
  readonly shape: readonly number[];
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
  const packed: number[][] = [];
  let at = 0;
  for (const [name, value] of Object.entries(constants)) {
    const place = `constants.${name}`;
    if (typeof value === 'number') {
      if (Number.isNaN(value)) throw wrong(where, place, value, 'a number');
      numbers.set(name, value);
      host[name] = value;
      continue;
    }
    const shape = shapeOf(where, place, value);
    const flat = flatten(where, place, value, shape);
    arrays.set(name, { at, shape });
    at += flat.length;
    if (at > MOST_NUMBERS)
      throw wrong(where, place, value, `at most ${MOST_NUMBERS} numbers in all constants`);
    packed.push(flat);
    host[name] = copyOf(value as KernelConstant);
  }
  return { host, numbers, arrays, packed: Float32Array.from(at === 0 ? [0] : packed.flat()) };
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

function flatten(where: string, place: string, value: unknown, shape: readonly number[]): number[] {
  const [length, ...rest] = shape;
  if (length === undefined) {
    const fine = typeof value === 'number' && Math.abs(value) <= FLOAT_MAX;
    if (!fine)
      throw wrong(
        where,
        place,
        value,
        `a number between -${FLOAT_MAX} and ${FLOAT_MAX}, as float32 holds it`,
      );
    return [value];
  }
  if (!isList(value) || value.length !== length)
    throw wrong(where, place, value, `an array of ${length}, like its neighbours`);
  return Array.from(value, (part, i) => flatten(where, `${place}[${i}]`, part, rest)).flat();
}

function copyOf(value: KernelConstant): KernelConstant {
  if (typeof value === 'number') return value;
  return Array.from(value as ArrayLike<KernelConstant>, copyOf) as KernelConstant;
}

function wrong(where: string, place: string, value: unknown, expected: string): OptionError {
  return new OptionError({ where, option: place, value, found: `\`${place}\` is ${show(value)}`, expected });
}
