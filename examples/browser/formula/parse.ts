import { nearestName } from 'ensample';
import { FormulaError } from './error.ts';
import { CONSTANTS, FUNCTIONS, type FunctionName, isFunction, OTHER_NAMES } from './functions.ts';
import { type Token, tokensOf } from './tokens.ts';
import type { Operator, Tree } from './tree.ts';

/** Brackets and signs inside each other. */
const DEEPEST = 200;

const POWERS: ReadonlyMap<string, number> = new Map([
  ['²', 2],
  ['³', 3],
]);

/** The words of a formula and how far they are read. */
interface Reader {
  readonly text: string;
  readonly names: readonly string[];
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
}

/**
 * A formula as a tree, by the grammar
 *
 *     sum     = product (('+' | '-') product)*
 *     product = factor (('*' | '/') factor)*
 *     factor  = ('-' | '+') factor | power
 *     power   = operand ('²' | '³')? ('^' factor)?        so -x^2 = -(x^2) and 2^3^2 = 2^9
 *     operand = number | name | name '(' sum (',' sum)* ')' | '(' sum ')'
 *
 * @param names of the inputs; a name's place in this list is its number in the tree.
 * @throws FormulaError with line, column, and what to write instead.
 */
export function parseFormula(text: string, names: readonly string[]): Tree {
  const reader: Reader = { text, names, tokens: tokensOf(text), at: 0, depth: 0 };
  if (next(reader).kind === 'end')
    throw fail(reader, next(reader), 'type a formula, such as sin(x1) + 2*x2^2.');
  const tree = sum(reader);
  const rest = next(reader);
  if (rest.kind === 'end') return tree;
  throw fail(reader, rest, rest.text === ',' ? comma(reader) : between(reader));
}

function next({ tokens, at }: Reader): Token {
  return tokens[at]!;
}

function fail({ text }: Reader, token: Token, sentence: string): FormulaError {
  return new FormulaError(text, token.offset, token.length, sentence);
}

/** The next word, when it is one of these signs. */
function accept(reader: Reader, ...signs: readonly string[]): Token | undefined {
  const token = next(reader);
  if (token.kind !== 'sign' || !signs.includes(token.text)) return undefined;
  reader.at++;
  return token;
}

/** Operands of the same rank, from left to right. */
function chain(reader: Reader, signs: readonly Operator[], operandOf: (reader: Reader) => Tree): Tree {
  let left = operandOf(reader);
  for (let sign = accept(reader, ...signs); sign !== undefined; sign = accept(reader, ...signs))
    // Only signs of the list are accepted.
    left = { kind: 'binary', operator: sign.text as Operator, left, right: operandOf(reader) };
  return left;
}

function sum(reader: Reader): Tree {
  return chain(reader, ['+', '-'], product);
}

function product(reader: Reader): Tree {
  return chain(reader, ['*', '/'], factor);
}

function factor(reader: Reader): Tree {
  if (++reader.depth > DEEPEST)
    throw fail(reader, next(reader), `brackets and signs are nested more than ${DEEPEST} deep.`);
  const sign = accept(reader, '-', '+');
  const of = sign === undefined ? power(reader) : factor(reader);
  reader.depth--;
  return sign?.text === '-' ? { kind: 'negative', of } : of;
}

function power(reader: Reader): Tree {
  let left = operand(reader);
  const raised = POWERS.get(accept(reader, '²', '³')?.text ?? '');
  if (raised !== undefined)
    left = { kind: 'binary', operator: '^', left, right: { kind: 'number', value: raised } };
  if (accept(reader, '^') === undefined) return left;
  return { kind: 'binary', operator: '^', left, right: factor(reader) };
}

function operand(reader: Reader): Tree {
  const token = next(reader);
  if (token.kind !== 'end') reader.at++;
  if (token.kind === 'number') return { kind: 'number', value: Number(token.text) };
  if (token.kind === 'name')
    return isFunction(token.text) ? call(reader, token, token.text) : named(reader, token);
  if (token.text !== '(') throw fail(reader, token, missing(reader, token));
  const inner = sum(reader);
  close(reader, token);
  return inner;
}

function close(reader: Reader, open: Token): void {
  if (accept(reader, ')') !== undefined) return;
  const token = next(reader);
  if (token.kind === 'end') throw fail(reader, open, 'this `(` is never closed.');
  throw fail(reader, token, token.text === ',' ? comma(reader) : between(reader));
}

/** An input or a constant. */
function named(reader: Reader, token: Token): Tree {
  const index = reader.names.indexOf(token.text);
  const constant = CONSTANTS.get(token.text);
  const follows = next(reader);
  if (index < 0 && constant === undefined)
    throw fail(reader, token, unknown(token.text, follows.text === '(', reader.names));
  if (follows.text === '(')
    throw fail(reader, follows, `\`${token.text}\` is no function. Write a * before the bracket.`);
  return index >= 0 ? { kind: 'input', index } : { kind: 'number', value: constant! };
}

function call(reader: Reader, token: Token, name: FunctionName): Tree {
  const open = accept(reader, '(');
  if (open === undefined) throw fail(reader, token, `\`${name}\` is a function: write ${name}(...).`);
  const args: Tree[] = [];
  if (accept(reader, ')') === undefined) {
    do args.push(sum(reader));
    while (accept(reader, ',') !== undefined);
    close(reader, open);
  }
  const { fewest, most } = FUNCTIONS[name];
  if (args.length >= fewest && args.length <= most) return { kind: 'call', name, args };
  const wanted =
    fewest !== most ? `${fewest} to ${most} arguments` : most === 1 ? 'one argument' : `${most} arguments`;
  throw fail(
    reader,
    token,
    `\`${name}\` takes ${wanted}, here it has ${args.length === 0 ? 'none' : args.length}.`,
  );
}

/** The next word follows an operand and cannot. */
function between(reader: Reader): string {
  const { kind, text } = next(reader);
  if (text === ')') return 'this `)` closes nothing.';
  if (kind === 'sign' && text !== '(') return `\`${text}\` cannot stand here.`;
  const before = reader.tokens[reader.at - 1]?.text ?? '';
  const shown = text === '(' ? 'the bracket' : `\`${text}\``;
  return `an operator is missing before ${shown}. For a product write \`${before} * ${text}\`.`;
}

/** Where an operand should be and is not. */
function missing({ tokens }: Reader, token: Token): string {
  const before = tokens[tokens.indexOf(token) - 1];
  const what = before === undefined ? 'at the beginning' : `after \`${before.text}\``;
  if (token.kind === 'end') return `something is missing ${what}.`;
  return `a number, an input or a bracket is missing ${what}, before \`${token.text}\`.`;
}

/** The next word is a comma that separates no arguments. */
function comma({ tokens, at }: Reader): string {
  const [before, after] = [tokens[at - 1]!, tokens[at + 1]!];
  const decimal = before.kind === 'number' && after.kind === 'number';
  const fix = decimal ? ` Write ${before.text}.${after.text} with a point.` : '';
  return `a comma stands only between arguments.${fix}`;
}

/** 'unknown name `sinn`. Did you mean `sin`? Inputs are x1, x2, x3.' */
function unknown(name: string, called: boolean, names: readonly string[]): string {
  const inputs = names.length === 0 ? '' : ` Inputs are ${names.join(', ')}.`;
  const functions = Object.keys(FUNCTIONS);
  const values = [...names, ...CONSTANTS.keys()];
  const near = suggestion(name, called ? functions : values) ?? suggestion(name, [...functions, ...values]);
  if (near !== undefined) return `unknown name \`${name}\`. Did you mean \`${near}\`?${inputs}`;
  return `unknown name \`${name}\`.${called ? ` Functions are ${functions.join(', ')}.` : ''}${inputs}`;
}

function suggestion(name: string, allowed: readonly string[]): string | undefined {
  const plain = name.replace(/^(Math|math|np|numpy)\./, '');
  const same = allowed.find((candidate) => candidate.toLowerCase() === plain.toLowerCase());
  const other = OTHER_NAMES.get(plain.toLowerCase());
  if (same !== undefined) return same;
  if (other !== undefined && allowed.includes(other)) return other;
  return nearestName(plain, allowed);
}
