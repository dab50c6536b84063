import type { Expression, Identifier, MemberExpression, Node } from 'acorn';
import { nearestName } from '../../check.ts';
import { MATH } from './math.ts';
import { refusal } from './source.ts';
import { type Frame, variableOf } from './value.ts';

const MATH_CONSTANTS: Readonly<Record<string, number>> = {
  E: Math.E,
  LN10: Math.LN10,
  LN2: Math.LN2,
  LOG10E: Math.LOG10E,
  LOG2E: Math.LOG2E,
  PI: Math.PI,
  SQRT1_2: Math.SQRT1_2,
  SQRT2: Math.SQRT2,
};

const NUMBER_CONSTANTS: Readonly<Record<string, number>> = {
  POSITIVE_INFINITY: Number.POSITIVE_INFINITY,
  NEGATIVE_INFINITY: Number.NEGATIVE_INFINITY,
  EPSILON: Number.EPSILON,
};

/** Whether an expression is `this.constants`, or a variable that holds it. */
export function isConstants(frame: Frame, node: Node): boolean {
  const tree = node as Expression;
  if (tree.type === 'Identifier') {
    const variable = variableOf(frame, tree);
    return variable !== undefined && frame.bindings.get(variable)?.kind === 'constants';
  }
  if (tree.type !== 'MemberExpression' || tree.object.type !== 'ThisExpression') return false;
  checkThis(frame, tree.object);
  return !tree.computed && tree.property.type === 'Identifier' && tree.property.name === 'constants';
}

/** @throws OptionError where `this` has no constants. */
export function checkThis({ helper, source }: Frame, node: Node): void {
  if (helper !== undefined) {
    throw refusal(source, node, {
      found: 'a function of option `functions` has no `this`',
      expected: 'constants handed over as arguments',
    });
  }
  if (source.tree.type === 'ArrowFunctionExpression') {
    throw refusal(source, node, {
      found: '`this` in an arrow function is not the kernel',
      expected: '`function (x) { ... }` instead of `(x) => ...`',
    });
  }
}

/** Whether a name is free, so that it means what JavaScript gives it. */
export function isGlobal(frame: Frame, node: Node, name: string): boolean {
  const tree = node as Expression;
  return tree.type === 'Identifier' && tree.name === name && variableOf(frame, tree) === undefined;
}

/**
 * The value of Math.PI and its like; undefined when the expression is no member of Math or Number.
 * @throws OptionError when there is no such member.
 */
export function mathConstant(frame: Frame, node: MemberExpression): number | undefined {
  const math = isGlobal(frame, node.object, 'Math');
  if (!math && !isGlobal(frame, node.object, 'Number')) return undefined;
  const name = memberName(node) ?? '';
  const known = math ? MATH_CONSTANTS : NUMBER_CONSTANTS;
  if (known[name] !== undefined) return known[name];
  throw unknownMember(frame, node, math ? 'Math' : 'Number', name, [
    ...Object.keys(known),
    ...(math ? Object.keys(MATH) : []),
  ]);
}

/** The name after the dot; undefined for a[b]. */
export function memberName({ computed, property }: MemberExpression): string | undefined {
  return !computed && property.type === 'Identifier' ? property.name : undefined;
}

/** A member of Math that kernels do not have. */
export function unknownMember(
  { source }: Frame,
  node: Node,
  owner: 'Math' | 'Number',
  name: string,
  known: readonly string[],
): Error {
  const near = nearestName(name, known);
  return refusal(source, node, {
    found: MISSING[name] ?? `\`${owner}.${name}\` is not there on the card`,
    expected: `one of ${known.join(', ')}`,
    ...(near === undefined ? {} : { fix: `Did you mean ${owner}.${near}?` }),
  });
}

const MISSING: Readonly<Record<string, string>> = {
  imul: '`Math.imul` needs integers of 32 bits, and numbers on the card are float32',
  clz32: '`Math.clz32` needs integers of 32 bits, and numbers on the card are float32',
};

/** A name that means nothing here: a closure, most often. */
export function unknownName(frame: Frame, node: Identifier, called = false): Error {
  const { name } = node;
  const { source, resolution, program } = frame;
  if (name === 'NaN' || name === 'undefined') {
    return refusal(source, node, {
      found: `\`${name}\` cannot be used here`,
      expected: 'a number; to say that a point fails, `return NaN`',
    });
  }
  if (called && name === source.tree.id?.name)
    return refusal(source, node, {
      found: `\`${name}\` comes to call itself`,
      expected: 'a loop, because the card has no recursion',
    });
  if (name === 'arguments')
    return refusal(source, node, {
      found: '`arguments` cannot be used here',
      expected: 'the parameters by their names',
    });
  if (resolution.declared.has(name)) {
    return refusal(source, node, {
      found: `\`${name}\` is used outside the block that declares it`,
      expected: `let ${name} = 0 before that block`,
    });
  }
  if (program.helpers.has(name)) {
    return refusal(source, node, {
      found: `function \`${name}\` is used without calling it`,
      expected: `${name}(...)`,
    });
  }
  const known = [...program.helpers.keys()].join(', ');
  return refusal(source, node, {
    found: `\`${name}\` comes from outside the function, and is not there on the card`,
    expected: `a parameter, a local variable, Math, this.constants or a function of option \`functions\`${known === '' ? '' : ` (${known})`}`,
    fix: called
      ? `Pass it in functions: [${name}], written as \`function ${name}(...)\`, because tools rename other forms.`
      : `Pass a number as constants: { ${name} } and read this.constants.${name}.`,
  });
}
