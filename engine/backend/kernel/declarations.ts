import type { Identifier, Node, Pattern, VariableDeclaration } from 'acorn';
import { constantValue, element } from './arrays.ts';
import { roundedOf } from './exact.ts';
import { isConstants } from './names.ts';
import type { Variable } from './resolve.ts';
import { refusal, textOf } from './source.ts';
import {
  type ArrayValue,
  asNumber,
  call,
  constantNumber,
  type Frame,
  fresh,
  numberText,
  operand,
  type Value,
  variableOf,
} from './value.ts';

type Assign = (frame: Frame, node: Node, variable: Variable, id: string, value: Value, out: string[]) => void;

/** const a = ..., let b, const { mu, d } = this.constants, const [p, q] = x. */
export function declaration(frame: Frame, node: VariableDeclaration, out: string[], assign: Assign): void {
  for (const { id, init } of node.declarations) {
    if (init == null) declare(frame, id as Identifier, out);
    else if (isConstants(frame, init)) takeConstants(frame, id);
    else if (id.type === 'Identifier' && init.type === 'ArrayExpression') localArray(frame, id, init, out);
    else bindPattern(frame, id, frame.lower(init, out), out, assign);
  }
}

function declare(frame: Frame, node: Identifier, out: string[]): string {
  const id = fresh(frame.program, 'v');
  out.push(`let ${id} = ${numberText(frame, constantNumber(0), node)};`);
  frame.bindings.set(variableOf(frame, node)!, { kind: 'variable', id });
  return id;
}

function bindPattern(frame: Frame, pattern: Pattern, value: Value, out: string[], assign: Assign): void {
  if (pattern.type === 'ArrayPattern' && value.kind === 'array') {
    pattern.elements.forEach((part, i) => {
      if (part !== null)
        bindPattern(frame, part, element(frame, pattern, value, constantNumber(i)), out, assign);
    });
    return;
  }
  if (pattern.type !== 'Identifier') {
    throw refusal(frame.source, pattern, {
      found: `\`${textOf(frame.source, pattern)}\` takes something apart that the card does not have`,
      expected: '`const { size } = this.constants` or `const [a, b] = x`, without defaults',
    });
  }
  const variable = variableOf(frame, pattern)!;
  const fixed = variable.changes.length === 0;
  if (value.kind === 'array' || (fixed && value.kind === 'number' && value.constant !== undefined)) {
    if (!fixed) {
      throw refusal(frame.source, pattern, {
        found: `\`${pattern.name}\` names an array and is changed later`,
        expected: 'a name that stays',
      });
    }
    const kept = value.kind === 'array' ? keepPosition(frame, value, out) : value;
    frame.bindings.set(variable, { kind: 'value', value: kept });
    return;
  }
  assign(frame, pattern, variable, declare(frame, pattern, out), value, out);
}

/** A part of an array stays the one it was when the variables in its index change later. */
function keepPosition({ program }: Frame, array: ArrayValue, out: string[]): ArrayValue {
  const offsets = array.offsets.map((offset) => {
    if (!offset.includes('gindex(')) return offset;
    const id = fresh(program, 't');
    out.push(`let ${id} = ${call(program, 'gfloat', offset)};`);
    return call(program, 'gint', id);
  });
  return { ...array, offsets };
}

function takeConstants(frame: Frame, pattern: Pattern): void {
  const { source } = frame;
  if (pattern.type === 'Identifier') {
    frame.bindings.set(variableOf(frame, pattern)!, { kind: 'constants' });
    return;
  }
  const parts = pattern.type === 'ObjectPattern' ? pattern.properties : [];
  for (const part of parts) {
    const plain =
      part.type === 'Property' && part.key.type === 'Identifier' && part.value.type === 'Identifier';
    if (!plain || variableOf(frame, part.value as Identifier)?.changes.length !== 0) {
      throw refusal(source, part, {
        found: `\`${textOf(source, part)}\` cannot be taken out of the constants like this`,
        expected: '`const { size } = this.constants`, without defaults or changes',
      });
    }
    const name = (part.key as Identifier).name;
    const value = constantValue(frame, part, name);
    frame.bindings.set(variableOf(frame, part.value as Identifier)!, { kind: 'value', value });
  }
  if (pattern.type === 'ObjectPattern') return;
  throw refusal(source, pattern, {
    found: 'the constants are not a list',
    expected: '`const { size } = this.constants`',
  });
}

/** Numbers of an array written in the kernel: as many variables, at most four. */
function localArray(
  frame: Frame,
  node: Identifier,
  init: Extract<import('acorn').Expression, { type: 'ArrayExpression' }>,
  out: string[],
): void {
  const { elements } = init;
  if (elements.length === 0 || elements.length > 4) {
    throw refusal(frame.source, init, {
      found: `an array of ${elements.length} is written in the kernel`,
      expected: '1 to 4 numbers',
      fix: 'Longer ones go into option `constants`.',
    });
  }
  const values = elements.map((part) => {
    if (part === null || part.type === 'SpreadElement' || part.type === 'ArrayExpression') {
      throw refusal(frame.source, part ?? init, {
        found: 'an array in the kernel holds something else than numbers',
        expected: 'numbers only; nested arrays go into option `constants`',
      });
    }
    const found = asNumber(frame, frame.lower(part, out), part);
    return { text: operand(frame, found, part), rounded: roundedOf(found) };
  });
  const locals = values.map(({ text }) => {
    const id = fresh(frame.program, 'v');
    out.push(`let ${id} = ${text};`);
    return id;
  });
  const value: ArrayValue = {
    kind: 'array',
    from: 'local',
    name: node.name,
    shape: [locals.length],
    at: 0,
    offsets: [],
    locals,
    rounded: values.find(({ rounded }) => rounded !== undefined)?.rounded,
  };
  frame.bindings.set(variableOf(frame, node)!, { kind: 'value', value });
}
