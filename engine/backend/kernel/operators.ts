import type { BinaryExpression, Node } from 'acorn';
import { checkExact, mayRound, roundedResult, staysApart } from './exact.ts';
import { type Refusal, refusal, textOf } from './source.ts';
import {
  asNumber,
  type BooleanValue,
  boolean,
  call,
  compared,
  constantBoolean,
  constantNumber,
  type Frame,
  hidden,
  type IntForm,
  integer,
  intText,
  type NumberValue,
  number,
  numberText,
  operand,
  type Value,
} from './value.ts';

const FOLD: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
};

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '===': (a, b) => a === b,
  '!==': (a, b) => a !== b,
  // Between numbers these are the strict ones.
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

/**
 * a + b, a ** b, ...; `node` is the whole expression or the assignment `a += b`.
 * @throws OptionError for operators on bits, and for what is never a number.
 */
export function arithmetic(
  frame: Frame,
  node: Node,
  operator: string,
  left: Value,
  right: Value,
): NumberValue {
  const fold = FOLD[operator];
  if (fold === undefined) throw refusal(frame.source, node, noBits(operator));
  const [leftNode, rightNode] = sides(node);
  const first = asNumber(frame, left, leftNode);
  const second = asNumber(frame, right, rightNode);
  const given = first.given === true || second.given === true;
  if (first.constant !== undefined && second.constant !== undefined) {
    const value = fold(first.constant, second.constant);
    if (!Number.isNaN(value)) return constantNumber(value, given);
    throw refusal(frame.source, node, {
      found: `\`${textOf(frame.source, node)}\` is never a number`,
      expected: 'a number',
    });
  }
  const scales = /^[*/]/.test(operator);
  const a = scales ? mayRound(first) : first;
  const b = scales ? mayRound(second) : second;
  if (operator === '**') return power(frame, node, a, b);
  const whole =
    a.int === undefined || b.int === undefined ? undefined : wholeNumbers(frame, operator, a.int, b.int);
  if (whole !== undefined) return { ...whole, given: given || operator === '*' };
  if (operator === '/') return quotient(frame, node, a, b);
  if (operator === '%') {
    checkExact(frame, a, leftNode, 'the remainder');
    checkExact(frame, b, rightNode, 'the remainder');
    return number(call(frame.program, 'gmod', operand(frame, a, leftNode), hidden(frame, b, rightNode)));
  }
  // A compiler may take 0 times anything for 0.
  const text = operator === '*' && (a.constant === 0 || b.constant === 0) ? hidden : operand;
  const rounded = roundedResult(operator, a, b);
  return number(`(${text(frame, a, leftNode)} ${operator} ${text(frame, b, rightNode)})`, { rounded });
}

function sides(node: Node): readonly [Node, Node] {
  const { left, right } = node as BinaryExpression;
  return [left ?? node, right ?? node];
}

/** Integers stay integers, so that an index made of them is exact. */
function wholeNumbers(frame: Frame, operator: string, a: IntForm, b: IntForm): NumberValue | undefined {
  const corners = (f: (x: number, y: number) => number): readonly [number, number] => {
    const all = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)];
    return [Math.min(...all), Math.max(...all)];
  };
  if (operator === '%' && b.lo === b.hi && b.lo !== 0) {
    const most = Math.min(Math.abs(b.lo) - 1, Math.max(Math.abs(a.lo), Math.abs(a.hi)));
    const text = call(frame.program, 'gintmod', intText(frame.program, a), intText(frame.program, b));
    // -3 % 3 is -0, which an integer cannot be: only where a is never negative.
    return a.lo >= 0 ? integer({ text, lo: 0, hi: most }) : undefined;
  }
  if (operator !== '+' && operator !== '-' && operator !== '*') return undefined;
  const [lo, hi] = corners(FOLD[operator]!);
  if (lo < -(2 ** 31) || hi >= 2 ** 31) return undefined;
  // 0 times a negative number is -0.
  if (operator === '*' && (a.lo < 0 || b.lo < 0) && a.lo <= 0 && b.lo <= 0) return undefined;
  return integer({ text: `(${intText(frame.program, a)} ${operator} ${intText(frame.program, b)})`, lo, hi });
}

function quotient(frame: Frame, node: Node, a: NumberValue, b: NumberValue): NumberValue {
  const [leftNode, rightNode] = sides(node);
  if (b.constant === 0) {
    throw refusal(frame.source, node, {
      found: `\`${textOf(frame.source, node)}\` divides by 0`,
      expected: 'a divisor that is not 0',
    });
  }
  const top = operand(frame, a, leftNode);
  if (b.constant !== undefined && !b.infinite) return number(`(${top} / ${numberText(frame, b, rightNode)})`);
  return number(call(frame.program, 'gdiv', top, hidden(frame, b, rightNode)));
}

/** a ** b, and Math.pow(a, b). */
export function power(frame: Frame, node: Node, a: NumberValue, b: NumberValue): NumberValue {
  const base = (): string => hidden(frame, a, node);
  const { program } = frame;
  switch (b.constant) {
    case 0:
      return constantNumber(1);
    case 1:
      return a;
    case 2:
      return number(call(program, 'gsquare', operand(frame, a, node)));
    case 3:
      return number(call(program, 'gcube', operand(frame, a, node)));
    case 0.5:
      return number(call(program, 'gsqrt', hidden(frame, a, node)));
    case -1:
      return number(call(program, 'gdiv', numberText(frame, constantNumber(1), node), base()));
    default:
      return number(call(program, 'gpow', base(), hidden(frame, b, node)), { finite: true });
  }
}

/**
 * a < b, a === b, ...
 * @throws OptionError for tests of NaN, which the card does not have.
 */
export function comparison(frame: Frame, node: BinaryExpression, left: Value, right: Value): BooleanValue {
  const { operator } = node;
  const compare = COMPARE[operator]!;
  const same = textOf(frame.source, node.left) === textOf(frame.source, node.right);
  if (same && /=/.test(operator)) throw refusal(frame.source, node, noNaN(textOf(frame.source, node)));
  const a = asNumber(frame, left, node.left);
  const b = asNumber(frame, right, node.right);
  if (a.constant !== undefined && b.constant !== undefined)
    return constantBoolean(compare(a.constant, b.constant));
  if (/^[=!]/.test(operator)) {
    if (!staysApart(a, b)) checkExact(frame, a, node.left, 'a comparison');
    if (!staysApart(b, a)) checkExact(frame, b, node.right, 'a comparison');
  }
  const sign = operator === '==' ? '===' : operator === '!=' ? '!==' : operator;
  return boolean(`(${compared(frame, a, node.left)} ${sign} ${compared(frame, b, node.right)})`);
}

/** What `x !== x`, isNaN and their like are told with. */
export function noNaN(text: string): Refusal {
  return {
    found: `\`${text}\` tests for NaN or infinity, which the card may answer wrongly`,
    expected: 'a test of the numbers that go in, such as x[0] > 0',
    fix: 'A point at which NaN appears counts as failed without a test.',
  };
}

function noBits(operator: string): Refusal {
  return {
    found: `operator \`${operator}\` works on the bits of an integer, and numbers on the card are float32`,
    expected: 'arithmetic with + - * / % **',
    fix: 'For (a / b) | 0 write Math.trunc(a / b). Random numbers come from the inputs, not from the kernel.',
  };
}
