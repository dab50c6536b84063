import type { Node } from 'acorn';
import { type KernelSource, type Refusal, refusal } from './source.ts';
import type { KernelConstant } from './types.ts';

/** What of a number tells whether float32 rounds it. */
interface NumberFacts {
  readonly constant: number | undefined;
  readonly int: Range | undefined;
  readonly given?: boolean | undefined;
  readonly rounded?: Rounded | undefined;
}

/** The function in which an error is. */
interface Place {
  readonly source: KernelSource;
}

/** Integers lo..hi. */
interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** Integers up to this size are float32 numbers, each of them. */
export const MOST_EXACT: number = 2 ** 24;

/** Whether float32 makes another number of an integer. */
function isRounded(value: number): boolean {
  return Number.isInteger(value) && Math.fround(value) !== value;
}

/**
 * Whether an integer of the text is one of which each unit counts, and float32 rounds it. 1e11 and its like are sizes: tools
 * that print a program again write three zeros at the end as an exponent and nothing else, so this says the same after them.
 */
function isRoundedCount(value: number): boolean {
  return isRounded(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER && value % 1000 !== 0;
}

/** Whether all integers of a range are beyond what float32 tells apart. */
export function isBeyond({ lo, hi }: Range): boolean {
  return lo > MOST_EXACT || hi < -MOST_EXACT;
}

/** An integer that float32 rounds and that went into a value. */
export interface Rounded {
  readonly value: number;
  /** Whether something was added to it. */
  readonly moved: boolean;
}

/** The integer that float32 rounds and that a value is or was made from. */
export function roundedOf({ rounded, constant, int }: NumberFacts): Rounded | undefined {
  if (rounded !== undefined) return rounded;
  if (constant !== undefined) return isRoundedCount(constant) ? { value: constant, moved: false } : undefined;
  if (int === undefined || !isBeyond(int)) return undefined;
  return { value: Math.sign(int.lo) * (MOST_EXACT + 1), moved: true };
}

/** The same of a sum, a difference or a product. */
export function roundedResult(operator: string, a: NumberFacts, b: NumberFacts): Rounded | undefined {
  const [left, right] = [roundedOf(a), roundedOf(b)];
  const found = left ?? right;
  const moved = operator !== '*' || left?.moved === true || right?.moved === true;
  return found === undefined ? undefined : { value: found.value, moved };
}

/** Whether rounding never makes a value equal to a number that it is not: one below 2^24, with nothing added before. */
export function staysApart(value: NumberFacts, { constant }: NumberFacts): boolean {
  return constant !== undefined && Math.abs(constant) < MOST_EXACT && roundedOf(value)?.moved !== true;
}

/** The first number of an array that is an integer which float32 rounds; above 2^53 float64 rounds it too. */
export function roundedElement(value: KernelConstant): Rounded | undefined {
  if (typeof value === 'number') {
    const counts = isRounded(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
    return counts ? { value, moved: false } : undefined;
  }
  for (let i = 0; i < value.length; i++) {
    const found = roundedElement(value[i]!);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same value where its rounding changes the result by as little as any rounding of float32 does. */
export function mayRound<T extends NumberFacts>(value: T): T & { readonly given: true } {
  return { ...value, given: true };
}

/** Remember that a variable, or what a function returns, may hold a rounded integer. */
export function noteRounded(
  program: { changed: boolean },
  holder: { rounded: Rounded | undefined },
  found: Rounded | undefined,
): void {
  const { rounded } = holder;
  if (found === undefined || (rounded !== undefined && (rounded.moved || !found.moved))) return;
  holder.rounded = found;
  program.changed = true;
}

/** @throws OptionError for a value of which float32 rounds an integer, where one more or less matters. */
export function checkExact({ source }: Place, value: NumberFacts, node: Node, use: string): void {
  const { constant } = value;
  const found = constant !== undefined && isRounded(constant) ? constant : roundedOf(value)?.value;
  if (found !== undefined) throw refusal(source, node, roundedTo(found, `, which changes ${use}`));
}

/** @throws OptionError for an integer written in the text that float32 rounds, or integers all beyond 2^24. */
export function checkWritten({ source }: Place, { given, constant, int }: NumberFacts, node: Node): void {
  if (given === true) return;
  if (constant !== undefined) {
    if (isRoundedCount(constant)) throw refusal(source, node, roundedTo(constant, ''));
    return;
  }
  if (int === undefined || !isBeyond(int)) return;
  throw refusal(source, node, {
    found: `this is an integer in ${int.lo}..${int.hi}, which float32 rounds`,
    expected: `integers up to 2^24 = ${MOST_EXACT}`,
    fix: 'Where the rounding does not matter, write Math.fround(...) around it.',
  });
}

function roundedTo(value: number, what: string): Refusal {
  return {
    found: `float32 makes ${value} ${Math.fround(value)}${what}`,
    expected: `integers up to 2^24 = ${MOST_EXACT} here`,
    fix: 'Where the rounding does not matter, write Math.fround(...) around it.',
  };
}
