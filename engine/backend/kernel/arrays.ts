import type { MemberExpression, Node } from 'acorn';
import { nearestName } from '../../check.ts';
import { isConstants, mathConstant } from './names.ts';
import { refusal, textOf } from './source.ts';
import {
  type ArrayValue,
  call,
  constantNumber,
  type Frame,
  hidden,
  type IntForm,
  intText,
  isFixed,
  type NumberValue,
  number,
  numeric,
  type Value,
} from './value.ts';

/** The point of a kernel. */
export function pointArray(dims: number): ArrayValue {
  return {
    kind: 'array',
    from: 'point',
    name: 'x',
    shape: [dims],
    at: 0,
    offsets: [],
    locals: [],
    rounded: undefined,
  };
}

/** x[j], this.constants.mu[k][j], this.constants.size, Math.PI, v.length. */
export function memberValue(frame: Frame, node: MemberExpression, out: string[]): Value {
  if (isConstants(frame, node.object)) return constantValue(frame, node, nameOf(frame, node));
  const known = mathConstant(frame, node);
  if (known !== undefined) return constantNumber(known);
  if (isConstants(frame, node)) {
    throw refusal(frame.source, node, {
      found: '`this.constants` is all constants at once',
      expected: 'one of them, as this.constants.size',
    });
  }
  if (node.object.type === 'ThisExpression') {
    throw refusal(frame.source, node, {
      found: `\`${textOf(frame.source, node)}\` is not there`,
      expected: 'this.constants, the only thing that `this` has',
    });
  }
  const array = frame.lower(node.object, out);
  if (array.kind !== 'array') {
    throw refusal(frame.source, node, {
      found: `\`${textOf(frame.source, node.object)}\` is a number, and has no parts`,
      expected: 'an index only after the point, a constant array or a local array',
    });
  }
  if (!node.computed) return lengthOf(frame, node, array);
  return element(frame, node, array, numeric(frame, node.property, out));
}

function nameOf(frame: Frame, node: MemberExpression): string {
  if (!node.computed && node.property.type === 'Identifier') return node.property.name;
  const { property } = node;
  if (property.type === 'Literal' && typeof property.value === 'string') return property.value;
  throw refusal(frame.source, node, {
    found: `\`${textOf(frame.source, node)}\` picks a constant at run time`,
    expected: 'a constant by its name, as this.constants.size',
  });
}

/**
 * A constant by its name.
 * @throws OptionError when there is none of that name.
 */
export function constantValue({ program, source }: Frame, node: Node, name: string): Value {
  const { numbers, arrays } = program.constants;
  const value = numbers.get(name);
  if (value !== undefined) return constantNumber(value, true);
  const array = arrays.get(name);
  if (array !== undefined)
    return {
      kind: 'array',
      from: 'constants',
      name,
      shape: array.shape,
      at: array.at,
      offsets: [],
      locals: [],
      rounded: array.rounded,
    };
  const names = [...numbers.keys(), ...arrays.keys()];
  const near = nearestName(name, names);
  throw refusal(source, node, {
    found: `there is no constant \`${name}\``,
    expected: names.length === 0 ? `option constants: { ${name} }` : `one of ${names.join(', ')}`,
    ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
  });
}

function lengthOf(frame: Frame, node: MemberExpression, array: ArrayValue): NumberValue {
  if (node.property.type === 'Identifier' && node.property.name === 'length')
    return constantNumber(array.shape[0]!);
  throw refusal(frame.source, node, {
    found: `\`${textOf(frame.source, node)}\` is not there`,
    expected: 'the elements of an array by their numbers, and its length',
    fix: 'Write a loop instead of a method of arrays.',
  });
}

/**
 * The part of an array at an index.
 * @throws OptionError when the index is known to be outside.
 */
export function element(frame: Frame, node: Node, array: ArrayValue, index: NumberValue): Value {
  const [length, ...shape] = array.shape;
  const inside = indexInside(frame, node, index, length!);
  if (array.from === 'local') return localElement(frame, array, inside);
  const stride = shape.reduce((product, part) => product * part, 1);
  const at = isFixed(inside) ? array.at + inside.lo * stride : array.at;
  const offset = isFixed(inside)
    ? []
    : [stride === 1 ? inside.text : `(${inside.text} * ${int(frame, stride)})`];
  const part: ArrayValue = { ...array, shape, at, offsets: [...array.offsets, ...offset] };
  if (shape.length > 0) return part;
  return number(frame.program.read(array.from, positionText(frame, part)), { rounded: array.rounded });
}

function int(frame: Frame, value: number): string {
  return intText(frame.program, { text: '', lo: value, hi: value });
}

function positionText(frame: Frame, { at, offsets }: ArrayValue): string {
  const parts = at === 0 && offsets.length > 0 ? offsets : [int(frame, at), ...offsets];
  return parts.length === 1 ? parts[0]! : `(${parts.join(' + ')})`;
}

/** An index as an integer in 0..length - 1; one that may be outside is checked on the card, where the point then fails. */
function indexInside(frame: Frame, node: Node, index: NumberValue, length: number): IntForm {
  const { program, source } = frame;
  const { constant, int: known } = index;
  if (constant !== undefined && known === undefined) {
    throw refusal(source, node, {
      found: `the index is ${constant}`,
      expected: `an integer in 0..${length - 1}`,
    });
  }
  if (known === undefined) {
    const text = call(program, 'gindex', hidden(frame, index, node), int(frame, length));
    return { text, lo: 0, hi: length - 1 };
  }
  if (known.lo >= length || known.hi < 0) {
    const range = known.lo === known.hi ? `${known.lo}` : `${known.lo}..${known.hi}`;
    throw refusal(source, node, {
      found: `\`${textOf(source, node)}\` is outside its array of ${length} (index ${range})`,
      expected: `an index in 0..${length - 1}`,
    });
  }
  if (known.lo >= 0 && known.hi < length) return known;
  const text = call(program, 'gwithin', intText(frame.program, known), int(frame, length));
  return { text, lo: 0, hi: length - 1 };
}

/** An element of an array written in the kernel, which is as many variables. */
function localElement(frame: Frame, { locals, rounded }: ArrayValue, index: IntForm): NumberValue {
  if (isFixed(index)) return number(locals[index.lo]!, { rounded });
  const numbers = [...locals, ...Array.from({ length: 4 - locals.length }, () => locals[0]!)];
  return number(call(frame.program, 'gpick', index.text, ...numbers), { rounded });
}
