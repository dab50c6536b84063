import type {
  AssignmentExpression,
  BlockStatement,
  Expression,
  Identifier,
  IfStatement,
  Node,
  Statement,
  UpdateExpression,
} from 'acorn';
import { declaration } from './declarations.ts';
import { noteRounded, roundedOf } from './exact.ts';
import { condition, storeBoolean } from './expressions.ts';
import { forLoop } from './loops.ts';
import { unknownName } from './names.ts';
import { arithmetic } from './operators.ts';
import { changesSomething, type Variable } from './resolve.ts';
import { refusal, textOf } from './source.ts';
import {
  asNumber,
  type BooleanValue,
  boolean,
  call,
  choose,
  constantBoolean,
  constantNumber,
  type Flow,
  type Frame,
  flagged,
  number,
  numberText,
  type Value,
  variableOf,
} from './value.ts';

/**
 * The statements of a function.
 * @throws OptionError where they are not for the card, or a path ends without `return`.
 */
export function functionBody(frame: Frame): string[] {
  const { tree } = frame.source;
  const out: string[] = [];
  if (tree.async || tree.generator) {
    throw refusal(frame.source, tree, {
      found: `the function is ${tree.async ? 'async' : 'a generator'}`,
      expected: 'a function that answers at once',
    });
  }
  if (tree.body.type !== 'BlockStatement') {
    answer(frame, tree.body, tree.body, out);
    return out;
  }
  if (block(frame, tree.body, out) === 'on') {
    throw refusal(frame.source, tree.body.end - 1, {
      found: 'the function may end without `return`',
      expected: 'a number returned on every path',
    });
  }
  return out;
}

function block(frame: Frame, { body }: Pick<BlockStatement, 'body'>, out: string[]): Flow {
  for (const [i, node] of body.entries()) {
    if (statement(frame, node, out) === 'on') continue;
    // What comes after is never run, but must be right all the same.
    block(frame, { body: body.slice(i + 1) }, []);
    return 'ends';
  }
  return 'on';
}

/** Lower a statement; it goes to `out`. */
export function statement(frame: Frame, node: Statement, out: string[]): Flow {
  switch (node.type) {
    case 'BlockStatement':
      return block(frame, node, out);
    case 'EmptyStatement':
      return 'on';
    case 'VariableDeclaration':
      declaration(frame, node, out, assign);
      return 'on';
    case 'ExpressionStatement':
      checkEffect(frame, node.expression);
      return effect(frame, node.expression, out);
    case 'IfStatement':
      return branch(frame, node, out);
    case 'ForStatement':
      return forLoop(frame, node, out, { statement, effect, truth });
    case 'ReturnStatement':
      if (node.argument == null) break;
      return answer(frame, node, node.argument, out);
    case 'BreakStatement':
    case 'ContinueStatement':
      if (node.label != null) break;
      out.push(node.type === 'BreakStatement' ? 'break;' : 'continue;');
      return 'ends';
    default:
  }
  throw unknownStatement(frame, node);
}

function branch(frame: Frame, { test, consequent, alternate }: IfStatement, out: string[]): Flow {
  return fork(
    frame,
    test,
    (inner) => statement(frame, consequent, inner),
    (inner) => (alternate == null ? 'on' : statement(frame, alternate, inner)),
    out,
  );
}

/** An if; a side that is known never to run is checked and left out. */
function fork(
  frame: Frame,
  testNode: Expression,
  then: (out: string[]) => Flow,
  otherwise: (out: string[]) => Flow,
  out: string[],
): Flow {
  const test = truth(frame, testNode, out);
  const before = frame.assigned;
  const [yes, no]: [string[], string[]] = [[], []];
  frame.assigned = new Set(before);
  const thenFlow = then(yes);
  const afterThen = frame.assigned;
  frame.assigned = new Set(before);
  const otherwiseFlow = otherwise(no);
  const afterOtherwise = frame.assigned;
  if (test.constant !== undefined) {
    frame.assigned = test.constant ? afterThen : afterOtherwise;
    out.push(...(test.constant ? yes : no));
    return test.constant ? thenFlow : otherwiseFlow;
  }
  out.push(choose(test.text, yes, no));
  if (thenFlow === 'ends') frame.assigned = afterOtherwise;
  else if (otherwiseFlow === 'ends') frame.assigned = afterThen;
  else frame.assigned = new Set([...afterThen].filter((variable) => afterOtherwise.has(variable)));
  return thenFlow === 'ends' && otherwiseFlow === 'ends' ? 'ends' : 'on';
}

/** A condition that may begin with statements, on its right sides too, as minifiers write it. */
function truth(frame: Frame, given: Expression, out: string[]): BooleanValue {
  const node = head(frame, given, out);
  if (node.type === 'UnaryExpression' && node.operator === '!' && changesSomething(node)) {
    const { text, constant } = truth(frame, node.argument, out);
    return constant === undefined ? boolean(`(!${text})`) : constantBoolean(!constant);
  }
  const effects = node.type === 'LogicalExpression' && changesSomething(node.right) && node.operator !== '??';
  if (!effects) return condition(frame, node, out);
  const id = storeBoolean(frame, node, truth(frame, node.left, out), out);
  const { assigned } = frame;
  frame.assigned = new Set(assigned);
  const before: string[] = [];
  const right = truth(frame, node.right, before);
  before.push(`${id} = ${flagged(frame, node, right, before)};`);
  frame.assigned = assigned;
  const zero = numberText(frame, constantNumber(0), node);
  out.push(choose(`${id} ${node.operator === '&&' ? '!==' : '==='} ${zero}`, before, []));
  return boolean(`(${id} !== ${zero})`);
}

/** `return c ? a : b` and `return (s += 1, s)`, which minifiers make, and plain returns. */
function answer(frame: Frame, at: Node, given: Expression, out: string[]): Flow {
  const node = head(frame, given, out);
  if (node.type === 'ConditionalExpression') {
    return fork(
      frame,
      node.test,
      (inner) => answer(frame, at, node.consequent, inner),
      (inner) => answer(frame, at, node.alternate, inner),
      out,
    );
  }
  if (node.type === 'ArrayExpression') {
    const values = node.elements.map((element) => {
      if (element !== null && element.type !== 'SpreadElement') return frame.lower(element, out);
      throw refusal(frame.source, element ?? node, {
        found: 'an array has a hole or `...`',
        expected: 'each number written out',
      });
    });
    frame.answer(node, values, out);
  } else if (node.type === 'Identifier' && node.name === 'NaN' && variableOf(frame, node) === undefined) {
    frame.answer(node, number(call(frame.program, 'gfail')), out);
  } else frame.answer(node, frame.lower(node, out), out);
  return 'ends';
}

/** What is left of an expression when the statements hidden at its beginning went to `out`. */
function head(frame: Frame, node: Expression, out: string[]): Expression {
  if (node.type === 'SequenceExpression') {
    for (const part of node.expressions.slice(0, -1)) effect(frame, part, out);
    return head(frame, node.expressions.at(-1)!, out);
  }
  if (node.type === 'AssignmentExpression' && node.left.type === 'Identifier') {
    effect(frame, node, out);
    return node.left;
  }
  if (node.type === 'BinaryExpression' && node.left.type !== 'PrivateIdentifier') {
    const left = head(frame, node.left, out);
    return left === node.left ? node : { ...node, left };
  }
  return node;
}

/** An expression as a statement: assignments, ++, and what minifiers make of several statements. */
function effect(frame: Frame, node: Expression, out: string[]): Flow {
  switch (node.type) {
    case 'AssignmentExpression':
      assignment(frame, node, out);
      return 'on';
    case 'UpdateExpression':
      update(frame, node, out);
      return 'on';
    case 'SequenceExpression':
      for (const part of node.expressions) effect(frame, part, out);
      return 'on';
    case 'ConditionalExpression':
      return fork(
        frame,
        node.test,
        (inner) => effect(frame, node.consequent, inner),
        (inner) => effect(frame, node.alternate, inner),
        out,
      );
    case 'LogicalExpression': {
      if (node.operator === '??') break;
      const act = (inner: string[]): Flow => effect(frame, node.right, inner);
      const rest = (): Flow => 'on';
      return node.operator === '&&'
        ? fork(frame, node.left, act, rest, out)
        : fork(frame, node.left, rest, act, out);
    }
    case 'Literal':
      return 'on';
    default:
      // Minifiers leave values that nobody reads; they must be right all the same.
      frame.lower(node, []);
      return 'on';
  }
  throw refusal(frame.source, node, { found: 'operator `??` cannot be used here', expected: 'if (...)' });
}

/** @throws OptionError for a statement that changes nothing, unless it is 'use strict' or its like. */
function checkEffect(frame: Frame, node: Expression): void {
  if (changesSomething(node) || (node.type === 'Literal' && typeof node.value === 'string')) return;
  // A call or a name may be wrong in a way of its own.
  frame.lower(node, []);
  throw refusal(frame.source, node, {
    found: `\`${textOf(frame.source, node)}\` has no effect`,
    expected: 'an assignment, a declaration, if, for or return',
  });
}

function assignment(frame: Frame, node: AssignmentExpression, out: string[]): void {
  const operator = node.operator.slice(0, -1);
  // `s += (s = 2)` reads the old value first, so that nothing may be taken out of it.
  const right = operator === '' ? head(frame, node.right, out) : node.right;
  if (['&&', '||', '??'].includes(operator)) {
    throw refusal(frame.source, node, {
      found: `\`${node.operator}\` cannot be used here`,
      expected: 'if (...) and an assignment with =',
    });
  }
  const { variable, id } = target(frame, node.left, out);
  const value = frame.lower(right, out);
  if (operator === '') {
    assign(frame, node, variable, id, value, out);
    return;
  }
  const old = frame.lower(node.left, out);
  assign(frame, node, variable, id, arithmetic(frame, node, operator, old, value), out);
}

function update(frame: Frame, node: UpdateExpression, out: string[]): void {
  const { variable, id } = target(frame, node.argument, out);
  const old = asNumber(frame, frame.lower(node.argument, out), node.argument);
  const operator = node.operator === '++' ? '+' : '-';
  assign(frame, node, variable, id, arithmetic(frame, node, operator, old, constantNumber(1)), out);
}

/** The variable that is written. */
function target(
  frame: Frame,
  node: Node,
  out: string[],
): { readonly variable: Variable; readonly id: string } {
  const place = node as Identifier | Expression;
  if (place.type === 'Identifier') {
    const variable = variableOf(frame, place);
    if (variable === undefined) throw unknownName(frame, place);
    const binding = frame.bindings.get(variable);
    if (binding?.kind === 'variable' && variable.kind !== 'const') return { variable, id: binding.id };
    throw refusal(frame.source, place, {
      found: `\`${place.name}\` cannot be written`,
      expected: 'a variable of your own: the point, constants, arrays and counters of loops stay as they are',
    });
  }
  if (place.type === 'MemberExpression' && place.object.type === 'Identifier') {
    const variable = variableOf(frame, place.object);
    const binding = variable === undefined ? undefined : frame.bindings.get(variable);
    if (variable !== undefined && binding?.kind === 'value' && binding.value.kind === 'array') {
      const { from, locals } = binding.value;
      const index = place.computed
        ? asNumber(frame, frame.lower(place.property, out), place.property)
        : undefined;
      const id = index?.constant === undefined ? undefined : locals[index.constant];
      if (from === 'local' && id !== undefined) return { variable, id };
    }
  }
  throw refusal(frame.source, place, {
    found: `\`${textOf(frame.source, place)}\` cannot be written`,
    expected: 'a variable of your own, or an element of a local array by a known number',
  });
}

/** Give a variable a value. */
function assign(frame: Frame, node: Node, variable: Variable, id: string, value: Value, out: string[]): void {
  if (value.kind === 'array') {
    throw refusal(frame.source, node, {
      found: 'an array is assigned to a variable that changes',
      expected: '`const` for a name of an array',
    });
  }
  if (variable.holds !== undefined && variable.holds !== value.kind) {
    throw refusal(frame.source, node, {
      found: `\`${variable.name}\` holds ${variable.holds === 'number' ? 'a number' : 'true or false'} elsewhere and the other here`,
      expected: 'one kind of value in a variable',
    });
  }
  variable.holds = value.kind;
  if (value.kind === 'number' && value.infinite && !variable.infinite) {
    variable.infinite = true;
    frame.program.changed = true;
  }
  if (value.kind === 'number') noteRounded(frame.program, variable, roundedOf(value));
  const text = value.kind === 'number' ? numberText(frame, value, node) : flagged(frame, node, value, out);
  out.push(`${id} = ${text};`);
  frame.assigned.add(variable);
}

const INSTEAD: Readonly<Record<string, readonly [found: string, expected: string]>> = {
  WhileStatement: [
    '`while` has no bound that is known before',
    '`for (let i = 0; i < 100; i++) { if (!(...)) break; ... }`',
  ],
  DoWhileStatement: [
    '`do` has no bound that is known before',
    '`for (let i = 0; i < 100; i++) { ...; if (!(...)) break; }`',
  ],
  ForOfStatement: ['`for ... of` cannot be used here', '`for (let i = 0; i < x.length; i++)`'],
  ForInStatement: ['`for ... in` cannot be used here', '`for (let i = 0; i < x.length; i++)`'],
  SwitchStatement: ['`switch` cannot be used here', '`if (...) { ... } else if (...) { ... }`'],
  TryStatement: ['`try` cannot be used here', 'a test before the step that may fail'],
  ThrowStatement: ['`throw` cannot be used here', '`return NaN`, which makes the point count as failed'],
  LabeledStatement: ['a label cannot be used here', '`break` and `continue` of the innermost loop'],
  BreakStatement: ['a label cannot be used here', '`break` of the innermost loop'],
  ContinueStatement: ['a label cannot be used here', '`continue` of the innermost loop'],
  ReturnStatement: [
    '`return` gives nothing back',
    '`return` with a number; `return NaN` for a point that fails',
  ],
  FunctionDeclaration: [
    'a function inside the function cannot run on the card',
    'the function in option `functions`',
  ],
  ClassDeclaration: ['a class cannot be used here', 'numbers only'],
  DebuggerStatement: ['`debugger` cannot be used here', 'assignments, if, for and return'],
};

function unknownStatement(frame: Frame, node: Node): Error {
  const [found, expected] = INSTEAD[node.type] ?? [
    'this statement cannot be used here',
    'assignments, if, for and return',
  ];
  return refusal(frame.source, node, { found, expected });
}
