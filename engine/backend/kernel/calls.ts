import type { CallExpression, Expression, Identifier, Node } from 'acorn';
import { mayRound, noteRounded, roundedOf } from './exact.ts';
import { MATH, type MathFunction } from './math.ts';
import { isGlobal, memberName, unknownMember, unknownName } from './names.ts';
import { noNaN, power } from './operators.ts';
import { isFunctionNode } from './resolve.ts';
import { refusal, textOf } from './source.ts';
import {
  boolean,
  call,
  constantNumber,
  type Frame,
  type Helper,
  hidden,
  integer,
  intText,
  type NumberValue,
  number,
  numberText,
  numeric,
  operand,
  type Value,
  variableOf,
} from './value.ts';

/** Math.exp(a), helper(a, b). */
export function callValue(frame: Frame, node: CallExpression, out: string[]): Value {
  const { source } = frame;
  const callee = node.callee as Expression;
  const inner = node.arguments.find(isFunctionNode);
  // Tools that keep names wrap a function inside into a call of theirs.
  if (inner !== undefined) frame.lower(inner, out);
  if (namesFunction(frame, node)) {
    throw refusal(source, node, {
      found: 'a function inside the function cannot run on the card',
      expected: 'the function in option `functions`',
    });
  }
  if (callee.type === 'MemberExpression' && !callee.computed) {
    if (isGlobal(frame, callee.object, 'Math')) return mathCall(frame, node, memberName(callee)!, out);
    if (isGlobal(frame, callee.object, 'Number') && /^is(NaN|Finite)$/.test(memberName(callee)!))
      throw refusal(source, node, noNaN(textOf(source, node)));
  }
  if (isGlobal(frame, callee, 'isNaN') || isGlobal(frame, callee, 'isFinite'))
    throw refusal(source, node, noNaN(textOf(source, node)));
  const helper = helperOf(frame, callee);
  if (helper !== undefined) {
    if (callee.type !== 'Identifier')
      source.renames.set(callee.start, { end: callee.end, name: helper.name });
    const values = node.arguments.map((argument) => numeric(frame, argument, out));
    const texts = values.map((value, i) => operand(frame, value, node.arguments[i]!));
    prepare(frame, node, helper, texts.length);
    helper.resolution.parameters.forEach((parameter, i) => {
      noteRounded(frame.program, parameter, roundedOf(values[i]!));
    });
    const text = `${helper.id}(${texts.join(', ')})`;
    if (helper.returns === 'boolean')
      return boolean(`(${text} !== ${numberText(frame, constantNumber(0), node)})`);
    return number(text, { infinite: helper.infinite, rounded: helper.rounded });
  }
  if (callee.type === 'Identifier' && variableOf(frame, callee) === undefined)
    throw unknownName(frame, callee, true);
  throw refusal(source, node, {
    found: `\`${textOf(source, callee)}(...)\` cannot be called on the card`,
    expected: 'a function of Math, or one of option `functions`',
  });
}

/** `__name(f, "f")`, by which tools that keep names begin a function in which another is declared. */
function namesFunction(frame: Frame, { callee, arguments: given }: CallExpression): boolean {
  const [first, second, more] = given as readonly (Expression | undefined)[];
  const outside = (node: Node | undefined): boolean =>
    node?.type === 'Identifier' && variableOf(frame, node as Identifier) === undefined;
  const text = second?.type === 'Literal' && typeof second.value === 'string';
  return text && more === undefined && outside(callee) && outside(first);
}

/** The function that is called: `f`, or what bundlers and test runners make of an imported one: `m.f`, `(0, m.f)`. */
export function helperOf(frame: Frame, node: Node): Helper | undefined {
  const tree = node as Expression;
  const { helpers } = frame.program;
  if (tree.type === 'SequenceExpression') {
    const [zero, last, more] = tree.expressions;
    const plain = zero?.type === 'Literal' && last !== undefined && more === undefined;
    return plain ? helperOf(frame, last) : undefined;
  }
  if (tree.type === 'MemberExpression' && tree.object.type === 'Identifier') {
    const module = variableOf(frame, tree.object as Identifier) === undefined;
    return module ? helpers.get(memberName(tree) ?? '') : undefined;
  }
  if (tree.type !== 'Identifier' || variableOf(frame, tree) !== undefined) return undefined;
  return helpers.get(tree.name);
}

function mathCall(frame: Frame, node: CallExpression, name: string, out: string[]): Value {
  const { source } = frame;
  if (name === 'random') {
    throw refusal(source, node, {
      found: '`Math.random` cannot be used here',
      expected: 'random numbers as inputs of the model, which come from the seed of the run',
      fix: 'Add an input, such as noise: normal(0, 1), and read it from x.',
    });
  }
  const known = Object.hasOwn(MATH, name) ? MATH[name] : undefined;
  if (known === undefined) throw unknownMember(frame, node, 'Math', name, Object.keys(MATH));
  const [fewest, most] = known.takes;
  const given = node.arguments.length;
  if (given < fewest || given > most) {
    throw refusal(source, node, {
      found: `\`Math.${name}\` is called with ${given} arguments`,
      expected: fewest === most ? `${fewest}` : `${fewest} to ${most}`,
    });
  }
  const ratio = name === 'floor' || name === 'trunc' ? flooredRatio(frame, node, name, out) : undefined;
  if (ratio !== undefined) return ratio;
  const values = node.arguments.map((argument) => numeric(frame, argument, out));
  if (values.every(({ constant }) => constant !== undefined)) return folded(frame, node, known, values);
  return mathValue(frame, node, name, known, values);
}

function folded(
  frame: Frame,
  node: CallExpression,
  { fold }: MathFunction,
  values: readonly NumberValue[],
): NumberValue {
  const value = fold(...values.map(({ constant }) => constant!));
  const given = values.some((part) => part.given === true);
  if (!Number.isNaN(value)) return constantNumber(value, given);
  throw refusal(frame.source, node, {
    found: `\`${textOf(frame.source, node)}\` is never a number`,
    expected: 'a number',
  });
}

function mathValue(
  frame: Frame,
  node: CallExpression,
  name: string,
  known: MathFunction,
  values: readonly NumberValue[],
): NumberValue {
  const { program } = frame;
  const at = (i: number): Node => node.arguments[i]!;
  const [first] = values;
  if (name === 'pow') return power(frame, node, first!, values[1]!);
  if (name === 'fround') return number(call(program, 'gfround', operand(frame, mayRound(first!), at(0))));
  // Rounding an integer changes nothing.
  if (first!.int !== undefined && /^(floor|ceil|round|trunc)$/.test(name)) return first!;
  const extreme = name === 'max' || name === 'min';
  const argument = (value: NumberValue, i: number): string => {
    if (known.argument === 'shown') return operand(frame, value, at(i));
    if (!extreme) return hidden(frame, value, at(i));
    const text = numberText(frame, value, at(i));
    return value.finite ? text : call(program, 'gfinite', text);
  };
  const texts = values.map(argument);
  const rounded = extreme || known.argument === 'shown' ? values.map(roundedOf).find(Boolean) : undefined;
  const infinite = extreme && values.some((value) => value.infinite);
  if (known.takes[1] === 2) return number(call(program, known.name, ...texts), { finite: known.finite });
  // More than two go in pairs; one alone is itself, or its own size for hypot.
  const [head, ...rest] = texts;
  if (rest.length === 0 && extreme) return number(head!, { infinite, finite: true, rounded });
  if (rest.length === 0)
    return number(call(program, name === 'hypot' ? 'gabs' : known.name, head!), {
      finite: known.finite,
      rounded,
    });
  return number(
    rest.reduce((sofar, text) => call(program, known.name, sofar, text), head!),
    { infinite, finite: known.finite, rounded },
  );
}

/** Math.floor(a / b): the quotient of float32 may fall just below an integer, so it is put right by the remainder. */
function flooredRatio(
  frame: Frame,
  node: CallExpression,
  name: 'floor' | 'trunc',
  out: string[],
): NumberValue | undefined {
  const ratio = node.arguments[0] as Expression;
  if (ratio.type !== 'BinaryExpression' || ratio.operator !== '/') return undefined;
  const a = numeric(frame, ratio.left, out);
  const b = numeric(frame, ratio.right, out);
  if (a.constant !== undefined || b.constant === 0) return undefined;
  if (
    a.int !== undefined &&
    a.int.lo >= 0 &&
    b.int !== undefined &&
    b.constant !== undefined &&
    b.constant > 0
  ) {
    const text = call(frame.program, 'gintdiv', intText(frame.program, a.int), intText(frame.program, b.int));
    return integer({ text, lo: Math.floor(a.int.lo / b.constant), hi: Math.floor(a.int.hi / b.constant) });
  }
  const library = name === 'floor' ? 'gfloordiv' : 'gtruncdiv';
  return number(call(frame.program, library, operand(frame, a, ratio.left), hidden(frame, b, ratio.right)));
}

/**
 * Make sure that a function is lowered before its caller.
 * @throws OptionError for the wrong number of arguments, or a function that comes to call itself.
 */
function prepare(frame: Frame, node: CallExpression, helper: Helper, given: number): void {
  const takes = helper.resolution.parameters.length;
  if (given !== takes) {
    throw refusal(frame.source, node, {
      found: `\`${helper.name}\` is called with ${given} arguments`,
      expected: `${takes}, as it is written`,
    });
  }
  if (helper.state === 'open') {
    throw refusal(frame.source, node, {
      found: `\`${helper.name}\` comes to call itself`,
      expected: 'a loop, because the card has no recursion',
    });
  }
  frame.program.prepare(helper);
}
