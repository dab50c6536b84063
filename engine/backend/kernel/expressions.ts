import type { BinaryExpression, Expression, Identifier, Literal, Node, UnaryExpression } from 'acorn';
import { memberValue } from './arrays.ts';
import { callValue } from './calls.ts';
import { roundedOf } from './exact.ts';
import { unknownName } from './names.ts';
import { arithmetic, comparison } from './operators.ts';
import { changesSomething } from './resolve.ts';
import { refusal, textOf } from './source.ts';
import {
  asNumber,
  type BooleanValue,
  boolean,
  choose,
  constantBoolean,
  constantNumber,
  type Frame,
  flagged,
  fresh,
  hidden,
  integer,
  number,
  numberText,
  numeric,
  type Value,
  variableOf,
} from './value.ts';

/**
 * Lower an expression: statements that must run before it go to `out`.
 * @throws OptionError for what the card cannot do.
 */
export function expression(frame: Frame, node: Node, out: string[]): Value {
  const value = anyExpression(frame, node, out);
  if (value.kind === 'array' || value.text === undefined || depth(value.text) <= MOST_DEPTH) return value;
  // A compiler of the card gives up on deep brackets, which long sums have: the first part goes into a variable.
  if (value.kind === 'boolean')
    return boolean(`(${flagged(frame, node, value, out)} !== ${numberText(frame, constantNumber(0), node)})`);
  const id = fresh(frame.program, 't');
  out.push(`let ${id} = ${value.text};`);
  return { ...value, text: id };
}

/** Brackets inside brackets. */
const MOST_DEPTH = 32;

function depth(text: string): number {
  let open = 0;
  let most = 0;
  for (const letter of text) {
    if (letter === '(') open++;
    else if (letter === ')') open--;
    if (open > most) most = open;
  }
  return most;
}

function anyExpression(frame: Frame, node: Node, out: string[]): Value {
  const tree = node as Expression;
  switch (tree.type) {
    case 'Literal':
      return literal(frame, tree);
    case 'Identifier':
      return identifier(frame, tree);
    case 'MemberExpression':
      return memberValue(frame, tree, out);
    case 'UnaryExpression':
      return unary(frame, tree, out);
    case 'BinaryExpression':
      return binary(frame, tree, out);
    case 'LogicalExpression':
      return logical(frame, tree, out);
    case 'ConditionalExpression':
      return conditional(frame, tree, out);
    case 'CallExpression':
      return callValue(frame, tree, out);
    case 'SequenceExpression': {
      const unread = tree.expressions.slice(0, -1);
      if (unread.some(changesSomething)) throw unknownExpression(frame, tree);
      for (const part of unread) frame.lower(part, []);
      return frame.lower(tree.expressions.at(-1)!, out);
    }
    case 'ArrayExpression':
      throw refusal(frame.source, tree, {
        found: 'an array is written inside an expression',
        expected: 'arrays only as `const v = [a, b]` (at most 4 numbers) or in `return [a, b]`',
      });
    default:
      throw unknownExpression(frame, tree);
  }
}

/** A truth value: numbers count as true unless they are 0. */
export function condition(frame: Frame, node: Node, out: string[]): BooleanValue {
  const value = frame.lower(node, out);
  if (value.kind === 'boolean') return value;
  const found = asNumber(frame, value, node);
  if (found.constant !== undefined) return constantBoolean(found.constant !== 0);
  return boolean(`(${hidden(frame, found, node)} !== ${numberText(frame, constantNumber(0), node)})`);
}

function literal(frame: Frame, node: Literal): Value {
  if (typeof node.value === 'number') return constantNumber(node.value);
  if (typeof node.value === 'boolean') return constantBoolean(node.value);
  const what =
    node.regex !== undefined
      ? 'a regular expression'
      : node.bigint !== undefined
        ? 'a BigInt'
        : textOf(frame.source, node);
  throw refusal(frame.source, node, { found: `${what} cannot be used here`, expected: 'numbers only' });
}

function identifier(frame: Frame, node: Identifier): Value {
  const { name } = node;
  const variable = variableOf(frame, node);
  if (variable === undefined) {
    if (name === 'Infinity') return constantNumber(Number.POSITIVE_INFINITY);
    throw unknownName(frame, node);
  }
  const binding = frame.bindings.get(variable);
  if (binding === undefined) {
    throw refusal(frame.source, node, {
      found: `\`${name}\` is used before it is declared`,
      expected: 'its declaration first',
    });
  }
  const { rounded } = variable;
  if (binding.kind === 'value') {
    const { value } = binding;
    return rounded === undefined || value.kind === 'boolean' ? value : { ...value, rounded };
  }
  if (binding.kind === 'constants') {
    throw refusal(frame.source, node, {
      found: `\`${name}\` is all constants at once`,
      expected: `one of them, as ${name}.size`,
    });
  }
  if (!frame.assigned.has(variable)) {
    throw refusal(frame.source, node, {
      found: `\`${name}\` may have no value yet`,
      expected: `a value on every path: write let ${name} = 0 where it is declared`,
    });
  }
  if (variable.holds === 'boolean')
    return boolean(`(${binding.id} !== ${numberText(frame, constantNumber(0), node)})`);
  return number(binding.id, { infinite: variable.infinite, rounded });
}

function unary(frame: Frame, node: UnaryExpression, out: string[]): Value {
  if (node.operator === '!') {
    const { text, constant } = condition(frame, node.argument, out);
    return constant === undefined ? boolean(`(!${text})`) : constantBoolean(!constant);
  }
  if (node.operator !== '-' && node.operator !== '+') {
    throw refusal(frame.source, node, {
      found: `operator \`${node.operator}\` cannot be used here`,
      expected: 'arithmetic on numbers',
    });
  }
  const value = numeric(frame, node.argument, out);
  if (node.operator === '+') return value;
  if (value.constant !== undefined) return constantNumber(-value.constant, value.given);
  if (value.int !== undefined && value.int.lo > 0) {
    const { text, lo, hi } = value.int;
    return integer({ text: `(-${text})`, lo: -hi, hi: -lo });
  }
  return number(`(-${numberText(frame, value, node.argument)})`, value);
}

function binary(frame: Frame, node: BinaryExpression, out: string[]): Value {
  const { operator } = node;
  const left = expression(frame, node.left, out);
  const right = expression(frame, node.right, out);
  if (/^[=!<>]=?=?$/.test(operator)) return comparison(frame, node, left, right);
  return arithmetic(frame, node, operator, left, right);
}

function logical(
  frame: Frame,
  node: Extract<Expression, { type: 'LogicalExpression' }>,
  out: string[],
): Value {
  const { operator } = node;
  if (operator === '??') {
    throw refusal(frame.source, node, {
      found: 'operator `??` cannot be used here',
      expected: 'numbers, which are never missing',
    });
  }
  const left = condition(frame, node.left, out);
  const before: string[] = [];
  const right = condition(frame, node.right, before);
  const and = operator === '&&';
  if (left.constant !== undefined) {
    if (left.constant !== and) return left;
    out.push(...before);
    return right;
  }
  if (before.length === 0 && right.constant === undefined)
    return boolean(`(${left.text} ${operator} ${right.text})`);
  // What must run before the right side runs only when the right side is asked for.
  const id = storeBoolean(frame, node, left, out);
  before.push(`${id} = ${flagged(frame, node, right, before)};`);
  const zero = numberText(frame, constantNumber(0), node);
  out.push(choose(`${id} ${and ? '!==' : '==='} ${zero}`, before, []));
  return boolean(`(${id} !== ${zero})`);
}

/** A new variable that holds a truth value as 1 or 0. */
export function storeBoolean(frame: Frame, node: Node, value: BooleanValue, out: string[]): string {
  const text = flagged(frame, node, value, out);
  const id = fresh(frame.program, 't');
  out.push(`let ${id} = ${text};`);
  return id;
}

function conditional(
  frame: Frame,
  node: Extract<Expression, { type: 'ConditionalExpression' }>,
  out: string[],
): Value {
  const test = condition(frame, node.test, out);
  const yes: string[] = [];
  const no: string[] = [];
  const then = expression(frame, node.consequent, yes);
  const otherwise = expression(frame, node.alternate, no);
  if (test.constant !== undefined) {
    out.push(...(test.constant ? yes : no));
    return test.constant ? then : otherwise;
  }
  const id = fresh(frame.program, 't');
  const zero = numberText(frame, constantNumber(0), node);
  if (then.kind === 'boolean' && otherwise.kind === 'boolean') {
    yes.push(`${id} = ${flagged(frame, node, then, yes)};`);
    no.push(`${id} = ${flagged(frame, node, otherwise, no)};`);
    out.push(`let ${id} = ${zero};`, choose(test.text, yes, no));
    return boolean(`(${id} !== ${zero})`);
  }
  const a = asNumber(frame, then, node.consequent);
  const b = asNumber(frame, otherwise, node.alternate);
  // An if instead of a choice between two values: only the side that is asked for may make the point fail.
  yes.push(`${id} = ${numberText(frame, a, node.consequent)};`);
  no.push(`${id} = ${numberText(frame, b, node.alternate)};`);
  out.push(`let ${id} = ${zero};`, choose(test.text, yes, no));
  return number(id, {
    infinite: a.infinite || b.infinite,
    finite: a.finite && b.finite,
    rounded: roundedOf(a) ?? roundedOf(b),
  });
}

const INSTEAD: Readonly<Record<string, readonly [found: string, expected: string]>> = {
  TemplateLiteral: ['a text cannot be used here', 'numbers only'],
  TaggedTemplateExpression: ['a text cannot be used here', 'numbers only'],
  ObjectExpression: ['an object cannot be written here', 'numbers, each in a variable of its own'],
  FunctionExpression: [
    'a function inside the function cannot run on the card',
    'the function in option `functions`',
  ],
  ArrowFunctionExpression: [
    'a function inside the function cannot run on the card',
    'the function in option `functions`',
  ],
  ClassExpression: ['a class cannot be used here', 'numbers only'],
  NewExpression: ['`new` cannot be used here', 'numbers only'],
  AwaitExpression: ['`await` cannot be used here', 'a function that answers at once'],
  YieldExpression: ['`yield` cannot be used here', 'a function that answers at once'],
  ChainExpression: ['`?.` cannot be used here', '`.`, because constants are always there'],
  ImportExpression: ['`import` cannot be used here', 'functions of option `functions`'],
  ThisExpression: ['`this` alone cannot be used here', '`this.constants.name`'],
  UpdateExpression: ['the value of `++` or `--` is used', '`i++` as a statement of its own'],
  AssignmentExpression: [
    'an assignment is used inside an expression',
    'the assignment as a statement of its own',
  ],
  SequenceExpression: ['a comma joins expressions here', 'statements of their own'],
  SpreadElement: ['`...` cannot be used here', 'each number written out'],
};

function unknownExpression(frame: Frame, node: Node): Error {
  const [found, expected] = INSTEAD[node.type] ?? [
    `\`${textOf(frame.source, node)}\` cannot be used here`,
    'arithmetic on numbers',
  ];
  return refusal(frame.source, node, { found, expected });
}
