import type { Identifier, Node } from 'acorn';
import type { ConstantTable } from './constants.ts';
import { FLOAT_MAX } from './constants.ts';
import { checkWritten, type Rounded } from './exact.ts';
import type { Resolution, Variable } from './resolve.ts';
import { type KernelSource, refusal, textOf } from './source.ts';

/** An integer known to lie in lo..hi, with text that gpu.js types as Integer; the text of a known integer is ''. */
export interface IntForm {
  readonly text: string;
  readonly lo: number;
  readonly hi: number;
}

/** A number of a kernel, as text of the plain language that gpu.js translates. */
export interface NumberValue {
  readonly kind: 'number';
  /** Undefined for constants and integers, whose text is made by `numberText`. */
  readonly text: string | undefined;
  /** Its value where that is known. */
  readonly constant: number | undefined;
  readonly int: IntForm | undefined;
  /** Whether it may be the stand-in of an infinity. */
  readonly infinite: boolean;
  /** Whether it is known to be finite. */
  readonly finite: boolean;
  /** Whether it comes from option `constants`, so that it need not be an exact integer. */
  readonly given?: boolean | undefined;
  /** An integer that float32 rounds and that went into it. */
  readonly rounded?: Rounded | undefined;
}

export interface BooleanValue {
  readonly kind: 'boolean';
  readonly text: string;
  readonly constant: boolean | undefined;
}

/** The point, an array of constants, or a part of one; or numbers of an array written in the kernel. */
export interface ArrayValue {
  readonly kind: 'array';
  readonly from: 'point' | 'constants' | 'local';
  /** Name in this.constants. */
  readonly name: string;
  /** Lengths of the levels not yet indexed. */
  readonly shape: readonly number[];
  /** Position of its first number in the buffer: an integer, plus texts of the indices so far. */
  readonly at: number;
  readonly offsets: readonly string[];
  /** Variables of a local array. */
  readonly locals: readonly string[];
  /** An integer that float32 rounds among its numbers. */
  readonly rounded: Rounded | undefined;
}

export type Value = NumberValue | BooleanValue | ArrayValue;

/** Whether control can go on after a statement. */
export type Flow = 'on' | 'ends';

/** What a name means while a function is lowered. */
export type Binding =
  | { readonly kind: 'variable'; readonly id: string }
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'constants' };

/** A function that kernels may call. */
export interface Helper {
  readonly name: string;
  readonly id: string;
  readonly source: KernelSource;
  readonly resolution: Resolution;
  state: 'new' | 'open' | 'done';
  returns: 'number' | 'boolean';
  infinite: boolean;
  rounded: Rounded | undefined;
  text: string;
  parameters: readonly string[];
}

/** What is gathered over a kernel and its functions. */
export interface Program {
  readonly constants: ConstantTable;
  readonly helpers: ReadonlyMap<string, Helper>;
  /** Text of the number at a position of the point or of the constants. */
  readonly read: (from: 'point' | 'constants', position: string) => string;
  /** Numbers of the plain language by name: f0, f1, ... (float), i0, i1, ... (integer). */
  readonly pool: Map<string, number>;
  /** Functions of kernel-library.ts that are called. */
  readonly calls: Set<string>;
  /** Lower a function before its caller, once. */
  readonly prepare: (helper: Helper) => void;
  /** Functions in the order in which they are needed. */
  readonly finished: Helper[];
  /** Something was found that an earlier part of the text should have known: lower again. */
  changed: boolean;
  fresh: number;
}

/** Where in which function the lowering is. */
export interface Frame {
  readonly program: Program;
  readonly source: KernelSource;
  readonly resolution: Resolution;
  readonly bindings: Map<Variable, Binding>;
  /** Variables that have a value here. */
  assigned: Set<Variable>;
  /** The function called for, undefined in the kernel itself. */
  readonly helper: Helper | undefined;
  /** Lower an expression: what must run before it goes to `out`. */
  readonly lower: (node: Node, out: string[]) => Value;
  /** What `return` does with its value. */
  readonly answer: (node: Node, value: Value | readonly Value[], out: string[]) => void;
}

/** A name not used so far. */
export function fresh(program: Program, letter: string): string {
  return `${letter}${program.fresh++}`;
}

/** A known number; `given` when it comes from option `constants`. */
export function constantNumber(constant: number, given = false): NumberValue {
  const whole = Number.isInteger(constant) && Math.abs(constant) < 2 ** 31;
  const int = whole ? { text: '', lo: constant, hi: constant } : undefined;
  const infinite = !Number.isFinite(constant);
  return { kind: 'number', text: undefined, constant, int, infinite, finite: true, given };
}

/** A computed number. */
export function number(
  text: string,
  {
    infinite = false,
    finite = false,
    rounded,
  }: Partial<Pick<NumberValue, 'infinite' | 'finite' | 'rounded'>> = {},
): NumberValue {
  return { kind: 'number', text, constant: undefined, int: undefined, infinite, finite, rounded };
}

/** An integer in lo..hi; a constant when these are one. */
export function integer(int: IntForm): NumberValue {
  if (int.lo === int.hi) return constantNumber(int.lo);
  return { kind: 'number', text: undefined, constant: undefined, int, infinite: false, finite: true };
}

/** A comparison. */
export function boolean(text: string): BooleanValue {
  return { kind: 'boolean', text, constant: undefined };
}

/** A known truth. */
export function constantBoolean(constant: boolean): BooleanValue {
  return { kind: 'boolean', text: constant ? 'true' : 'false', constant };
}

/**
 * A call of a function of kernel-library.ts.
 */
export function call(program: Program, name: string, ...values: readonly string[]): string {
  program.calls.add(name);
  return `${name}(${values.join(', ')})`;
}

/**
 * Text of a number as a float.
 * @throws OptionError for a constant that float32 cannot hold, and for an integer that it rounds.
 */
export function numberText(frame: Frame, value: NumberValue, node: Node): string {
  checkWritten(frame, value, node);
  if (value.constant !== undefined) return floatText(frame, value.constant, node);
  if (value.int !== undefined) return call(frame.program, 'gfloat', intText(frame.program, value.int));
  return value.text!;
}

/** Text of an integer. */
export function intText(program: Program, int: IntForm): string {
  return isFixed(int) ? pooled(program, 'i', int.lo) : int.text;
}

/** Whether an integer is known. */
export function isFixed(int: IntForm): boolean {
  return int.text === '';
}

function floatText(frame: Frame, value: number, node: Node): string {
  const size = Math.abs(value);
  const what = `the number ${value}${textOf(frame.source, node) === String(value) ? '' : ` (\`${textOf(frame.source, node)}\`)`}`;
  if (size !== Number.POSITIVE_INFINITY && size > FLOAT_MAX) {
    throw refusal(frame.source, node, {
      found: `${what} is too large for float32`,
      expected: `at most ${FLOAT_MAX} in size`,
    });
  }
  if (size > 0 && size < 2 ** -126) {
    throw refusal(frame.source, node, {
      found: `${what} is too small for float32, which would make it 0`,
      expected: 'at least 1.2e-38 in size',
    });
  }
  if (Object.is(value, -0)) return call(frame.program, 'gminuszero');
  return pooled(frame.program, 'f', value);
}

function pooled({ pool }: Program, letter: 'f' | 'i', value: number): string {
  for (const [name, known] of pool)
    if (known === value && name[0] === letter) return `this.constants.${name}`;
  const name = `${letter}${pool.size}`;
  pool.set(name, value);
  return `this.constants.${name}`;
}

/** Text of an operand of arithmetic: a stand-in of an infinity must not pass for a number. */
export function operand(frame: Frame, value: NumberValue, node: Node): string {
  checkInfinity(frame, value, node);
  const text = numberText(frame, value, node);
  return value.infinite ? call(frame.program, 'gsolid', text) : text;
}

/** Text of a value that the result may not show: what is not finite there makes the point fail. */
export function hidden(frame: Frame, value: NumberValue, node: Node): string {
  checkInfinity(frame, value, node);
  const text = numberText(frame, value, node);
  if (value.infinite) return call(frame.program, 'gsolid', text);
  return value.finite ? text : call(frame.program, 'gfinite', text);
}

/** @throws OptionError for an infinity written where every point would fail. */
function checkInfinity({ source }: Frame, { constant }: NumberValue, node: Node): void {
  if (constant === undefined || Number.isFinite(constant)) return;
  throw refusal(source, node, {
    found: `${constant} is used in arithmetic, which the card does not have`,
    expected: `${constant} only to be returned, kept in a variable, compared, or in Math.max and Math.min`,
  });
}

/** Text of a compared value: the stand-in of an infinity compares as an infinity does. */
export function compared(frame: Frame, value: NumberValue, node: Node): string {
  const text = numberText(frame, value, node);
  return value.finite ? text : call(frame.program, 'gfinite', text);
}

/**
 * A number, or an error that says what to write.
 * @throws OptionError when it is a truth value or an array.
 */
export function asNumber(frame: Frame, value: Value, node: Node): NumberValue {
  if (value.kind === 'number') return value;
  const text = textOf(frame.source, node);
  if (value.kind === 'boolean') {
    throw refusal(frame.source, node, {
      found: `\`${text}\` is true or false where a number is needed`,
      expected: `a number: write (${text} ? 1 : 0)`,
    });
  }
  throw refusal(frame.source, node, {
    found: `\`${text}\` is an array where a number is needed`,
    expected: `one of its elements, as ${text}[0]`,
  });
}

/** The variable that a name means; undefined when it comes from outside. */
export function variableOf(frame: Frame, node: Identifier): Variable | undefined {
  return frame.resolution.of.get(node);
}

/** The number of an expression; throws as `asNumber`. */
export function numeric(frame: Frame, node: Node, out: string[]): NumberValue {
  return asNumber(frame, frame.lower(node, out), node);
}

/** An if of the plain language. */
export function choose(test: string, then: readonly string[], otherwise: readonly string[]): string {
  const no = otherwise.length === 0 ? '' : ` else { ${otherwise.join(' ')} }`;
  return `if (${test}) { ${then.join(' ')} }${no}`;
}

/** A truth value as a number 1 or 0. */
export function flagged(frame: Frame, node: Node, value: BooleanValue, out: string[]): string {
  const zero = numberText(frame, constantNumber(0), node);
  const one = numberText(frame, constantNumber(1), node);
  if (value.constant !== undefined) return value.constant ? one : zero;
  const id = fresh(frame.program, 't');
  out.push(`let ${id} = ${zero};`, choose(value.text, [`${id} = ${one};`], []));
  return id;
}

/** Whether a returned value is an array written at the return. */
export function isList(value: Value | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value);
}
