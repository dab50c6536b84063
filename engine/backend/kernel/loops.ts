import type { BinaryExpression, Expression, ForStatement, Identifier, Node, Statement } from 'acorn';
import { MOST_EXACT } from './exact.ts';
import { condition } from './expressions.ts';
import { children, type Variable } from './resolve.ts';
import { type Refusal, refusal, textOf } from './source.ts';
import {
  type BooleanValue,
  constantNumber,
  type Flow,
  type Frame,
  fresh,
  type IntForm,
  integer,
  intText,
  isFixed,
  type NumberValue,
  numberText,
  numeric,
  variableOf,
} from './value.ts';

/** More rounds than this no loop may have: a card stops what takes seconds. */
const MOST_ROUNDS = 2 ** 24;
const EXPECTED = 'for (let i = 0; i < n; i++) with n a number or a constant';

/** How statements are lowered, which a loop has inside. */
export interface StatementLowering {
  readonly statement: (frame: Frame, node: Statement, out: string[]) => Flow;
  readonly effect: (frame: Frame, node: Expression, out: string[]) => Flow;
  /** A condition that may begin with statements. */
  readonly truth: (frame: Frame, node: Expression, out: string[]) => BooleanValue;
}

/** `for (let i = start; i < bound; i += step)`. */
interface Count {
  readonly counter: Variable;
  readonly start: IntForm;
  readonly bound: NumberValue;
  readonly boundNode: Node;
  readonly operator: '<' | '<=' | '>' | '>=' | '!==';
  readonly step: number;
}

/**
 * A loop whose number of rounds is known before, as a count from 0: the counter is made of the rounds. Other conditions
 * in its head leave the loop.
 * @throws OptionError when the number of rounds is not bounded by numbers, constants and outer counters.
 */
export function forLoop(frame: Frame, node: ForStatement, out: string[], lower: StatementLowering): Flow {
  const tests = node.test == null ? [] : conjuncts(node.test);
  const counter = counterOf(frame, node);
  declareOthers(frame, node, counter, out, lower);
  const step = stepOf(frame, node, counter);
  const bound = tests.find((test) => isBound(frame, test, counter));
  if (bound === undefined) throw runTimeBound(frame, node);
  const count = countOf(frame, bound as BinaryExpression, counter, step.by, node, out);
  const rounds = mostRounds(frame, count, node);
  const id = fresh(frame.program, 'c');
  const value = counted(frame, count, id, rounds);
  checkCounter(frame, node, counter, value);
  frame.bindings.set(counter, { kind: 'value', value });
  frame.assigned.add(counter);
  const before = new Set(frame.assigned);
  const body: string[] = [];
  if (!isFixed(count.start) || count.bound.constant === undefined) body.push(leave(boundText(frame, count)));
  for (const [i, test] of tests.entries()) {
    if (test === bound) continue;
    // What a condition changes is changed in the last round too, unless the bound comes first.
    const first = i < tests.indexOf(bound);
    const { text } = first ? condition(frame, test, body) : lower.truth(frame, test, body);
    body.push(leave(text));
  }
  lower.statement(frame, node.body, body);
  if (step.others.length > 0 && hasContinue(node.body))
    throw refusal(frame.source, node.update!, otherUpdates(step.others.length));
  for (const other of step.others) lower.effect(frame, other, body);
  frame.assigned = before;
  if (rounds > 0) out.push(`for (let ${id} = 0; ${id} < ${rounds}; ${id}++) { ${body.join(' ')} }`);
  return 'on';
}

function leave(test: string): string {
  return `if (!${test}) { break; }`;
}

function conjuncts(node: Expression): Expression[] {
  if (node.type !== 'LogicalExpression' || node.operator !== '&&') return [node];
  return [...conjuncts(node.left), ...conjuncts(node.right)];
}

/** The variable that the head declares, tests and moves. */
function counterOf(frame: Frame, node: ForStatement): Variable {
  const declared = node.init?.type === 'VariableDeclaration' ? node.init.declarations : [];
  const variables = declared.flatMap(({ id }) => (id.type === 'Identifier' ? [variableOf(frame, id)!] : []));
  const moved = node.update == null ? [] : parts(node.update).map((part) => movedName(part));
  const found = variables.filter(
    (variable) =>
      moved.some((name) => name !== undefined && variableOf(frame, name) === variable) &&
      (node.test == null ? [] : conjuncts(node.test)).some(
        (test) => boundSide(frame, test, variable) !== undefined,
      ),
  );
  if (found.length !== 1) throw runTimeBound(frame, node);
  const [counter] = found;
  const elsewhere = counter!.changes.filter(
    (change) => node.update == null || change.start < node.update.start || change.end > node.update.end,
  );
  if (elsewhere.length > 0 || counter!.changes.length !== 1) {
    throw refusal(frame.source, elsewhere[0] ?? node.update!, {
      found: `the counter \`${counter!.name}\` is changed inside its loop`,
      expected: 'a counter moved only by the head of the loop; break and continue are fine',
    });
  }
  return counter!;
}

function parts(node: Expression): readonly Expression[] {
  return node.type === 'SequenceExpression' ? node.expressions : [node];
}

function movedName(node: Expression): Identifier | undefined {
  const place =
    node.type === 'UpdateExpression'
      ? node.argument
      : node.type === 'AssignmentExpression'
        ? node.left
        : undefined;
  return place?.type === 'Identifier' ? place : undefined;
}

/** Which side of a comparison is the counter. */
function boundSide(frame: Frame, node: Expression, counter: Variable): 'left' | 'right' | undefined {
  if (node.type !== 'BinaryExpression' || !/^(<=?|>=?|!==?)$/.test(node.operator)) return undefined;
  const isCounter = (side: Node): boolean =>
    side.type === 'Identifier' && variableOf(frame, side as Identifier) === counter;
  if (isCounter(node.left)) return 'left';
  return isCounter(node.right) ? 'right' : undefined;
}

/** Whether a condition compares the counter with something known before the loop. */
function isBound(frame: Frame, node: Expression, counter: Variable): boolean {
  const side = boundSide(frame, node, counter);
  if (side === undefined) return false;
  const other = (node as BinaryExpression)[side === 'left' ? 'right' : 'left'];
  const { text, constant } = mentions(frame, other, counter)
    ? { text: '', constant: undefined }
    : numeric(frame, other, []);
  return text === undefined || constant !== undefined;
}

function mentions(frame: Frame, node: Node, variable: Variable): boolean {
  if (node.type === 'Identifier') return variableOf(frame, node as Identifier) === variable;
  return children(node).some((child) => mentions(frame, child, variable));
}

/** What else the head declares stands before the loop. */
function declareOthers(
  frame: Frame,
  node: ForStatement,
  counter: Variable,
  out: string[],
  { statement }: StatementLowering,
): void {
  if (node.init?.type !== 'VariableDeclaration') return;
  const declarations = node.init.declarations.filter(
    ({ id }) => id.type !== 'Identifier' || variableOf(frame, id) !== counter,
  );
  if (declarations.length > 0) statement(frame, { ...node.init, declarations }, out);
}

function stepOf(frame: Frame, node: ForStatement, counter: Variable): { by: number; others: Expression[] } {
  const all = parts(node.update!);
  const move = all.find((part) => {
    const name = movedName(part);
    return name !== undefined && variableOf(frame, name) === counter;
  })!;
  const by = stepSize(frame, move, counter);
  if (by !== undefined && Number.isInteger(by) && by !== 0)
    return { by, others: all.filter((part) => part !== move) };
  throw refusal(frame.source, move, {
    found: `\`${textOf(frame.source, move)}\` does not move the counter by a known integer`,
    expected: 'i++, i--, i += 2 or i -= 2',
    fix: 'Count rounds with an integer and compute other values from it.',
  });
}

function stepSize(frame: Frame, node: Expression, counter: Variable): number | undefined {
  if (node.type === 'UpdateExpression') return node.operator === '++' ? 1 : -1;
  if (node.type !== 'AssignmentExpression') return undefined;
  const known = (part: Node): number | undefined => numeric(frame, part, []).constant;
  if (node.operator === '+=') return known(node.right);
  if (node.operator === '-=') return negative(known(node.right));
  const sum = node.right;
  if (node.operator !== '=' || sum.type !== 'BinaryExpression') return undefined;
  if (sum.left.type !== 'Identifier' || variableOf(frame, sum.left) !== counter) return undefined;
  if (sum.operator === '+') return known(sum.right);
  return sum.operator === '-' ? negative(known(sum.right)) : undefined;
}

function negative(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

const MIRRORED: Readonly<Record<string, Count['operator']>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function countOf(
  frame: Frame,
  test: BinaryExpression,
  counter: Variable,
  step: number,
  node: ForStatement,
  out: string[],
): Count {
  const side = boundSide(frame, test, counter);
  const boundNode = side === 'left' ? test.right : test.left;
  const plain = test.operator === '!=' ? '!==' : (test.operator as Count['operator']);
  const operator = side === 'left' ? plain : (MIRRORED[plain] ?? plain);
  const declared = node.init?.type === 'VariableDeclaration' ? node.init.declarations : [];
  const init = declared.find(({ id }) => id.type === 'Identifier' && variableOf(frame, id) === counter)?.init;
  if (init == null) throw runTimeBound(frame, node);
  const start = numeric(frame, init, out).int;
  const bound = numeric(frame, boundNode, out);
  if (start === undefined || (bound.int === undefined && bound.constant === undefined))
    throw runTimeBound(frame, node);
  return { counter, start, bound, boundNode, operator, step };
}

/** Most rounds that a loop may take. */
function mostRounds(frame: Frame, { start, bound, operator, step }: Count, node: ForStatement): number {
  const up = step > 0;
  const lo = bound.int?.lo ?? bound.constant!;
  const hi = bound.int?.hi ?? bound.constant!;
  // The distance to go, farthest start to farthest bound, and whether the bound itself still counts.
  const distance = up ? hi - start.lo : start.hi - lo;
  const size = Math.abs(step);
  if (operator === '!==') {
    const known = isFixed(start) && bound.constant !== undefined && distance >= 0 && distance % size === 0;
    if (known) return checkRounds(frame, node, distance / size);
    throw refusal(frame.source, node.test!, {
      found: 'the loop may never meet its bound',
      expected: EXPECTED,
    });
  }
  if (up !== operator.startsWith('<')) {
    throw refusal(frame.source, node, { found: 'the counter moves away from its bound', expected: EXPECTED });
  }
  const rounds = operator.endsWith('=') ? Math.floor(distance / size) + 1 : Math.ceil(distance / size);
  return checkRounds(frame, node, Math.max(0, rounds));
}

function checkRounds(frame: Frame, node: ForStatement, rounds: number): number {
  if (rounds <= MOST_ROUNDS) return rounds;
  throw refusal(frame.source, node.test!, {
    found: `the loop may take ${rounds} rounds`,
    expected: `at most 2^24 = ${MOST_ROUNDS}`,
  });
}

/** @throws OptionError for a counter that float32 would round. */
function checkCounter(frame: Frame, node: ForStatement, { name }: Variable, { int }: NumberValue): void {
  if (int === undefined || (int.lo >= -MOST_EXACT && int.hi <= MOST_EXACT)) return;
  throw refusal(frame.source, node.test!, {
    found: `the counter \`${name}\` goes from ${int.lo} to ${int.hi}, which float32 rounds`,
    expected: `integers up to 2^24 = ${MOST_EXACT} in size`,
    fix: 'Count from 0.',
  });
}

/** The counter in round `id`: start + step * id. */
function counted(
  frame: Frame,
  { start, bound, operator, step }: Count,
  id: string,
  rounds: number,
): NumberValue {
  if (rounds <= 1 && isFixed(start)) return constantNumber(start.lo);
  const last = Math.max(0, rounds - 1) * step;
  const inside = operator === '<' ? 1 : operator === '>' ? -1 : 0;
  const lo =
    step > 0 ? start.lo : Math.max(start.lo + last, (bound.int?.lo ?? Number.NEGATIVE_INFINITY) - inside);
  const hi =
    step > 0 ? Math.min(start.hi + last, (bound.int?.hi ?? Number.POSITIVE_INFINITY) - inside) : start.hi;
  const size = { text: '', lo: Math.abs(step), hi: Math.abs(step) };
  const moved = Math.abs(step) === 1 ? id : `(${id} * ${intText(frame.program, size)})`;
  if (isFixed(start) && start.lo === 0 && step > 0) return integer({ text: moved, lo, hi: Math.max(lo, hi) });
  const text = `(${intText(frame.program, start)} ${step > 0 ? '+' : '-'} ${moved})`;
  return { ...integer({ text, lo, hi: hi === lo ? hi + 1 : hi }), int: { text, lo, hi } };
}

function boundText(frame: Frame, { counter, bound, boundNode, operator }: Count): string {
  const binding = frame.bindings.get(counter);
  const value =
    binding?.kind === 'value' && binding.value.kind === 'number' ? binding.value : constantNumber(0);
  return `(${numberText(frame, value, boundNode)} ${operator} ${numberText(frame, bound, boundNode)})`;
}

/** Whether a loop's own body goes on to the next round early. */
function hasContinue(node: Node): boolean {
  if (node.type === 'ContinueStatement') return true;
  if (node.type === 'ForStatement') return false;
  return children(node).some(hasContinue);
}

function otherUpdates(count: number): Refusal {
  return {
    found: `the head of the loop changes ${count + 1} variables, and its body has \`continue\``,
    expected: 'only the counter in the head',
    fix: 'Move the others into the body.',
  };
}

function runTimeBound(frame: Frame, node: ForStatement): Error {
  const test = node.test == null ? 'nothing' : `\`${textOf(frame.source, node.test)}\``;
  return refusal(frame.source, node.test ?? node, {
    found: `the number of rounds is bounded by ${test}, which is not known before the card runs`,
    expected: `${EXPECTED}; other conditions after && or as break`,
  });
}
