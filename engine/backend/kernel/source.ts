import type { Expression, Node } from 'acorn';
import { OptionError } from '../../errors.ts';
import { getLineInfo, parseExpressionAt } from '../generated/parser.mjs';

/** A user's function as text and tree. */
export interface KernelSource {
  /** 'gpuKernel density', or 'gpuKernel density, function gauss' for one of its functions. */
  readonly where: string;
  readonly text: string;
  /** Characters put before the user's text so that it parses. */
  readonly before: number;
  readonly tree: FunctionNode;
  /** Where the text calls a function by another name than its own: where that begins, where it ends, the name. */
  readonly renames: Map<number, { readonly end: number; readonly name: string }>;
}

/** A function expression, a named function, an arrow function or a method. */
export type FunctionNode = Extract<Expression, { type: 'FunctionExpression' | 'ArrowFunctionExpression' }>;

/** A part of the user's function that cannot run on the card. */
export interface Refusal {
  /** '`Math.random` cannot be used here'. */
  readonly found: string;
  /** What to write instead. */
  readonly expected: string;
  readonly fix?: string;
}

/**
 * An error at a place of the user's function: 'gpuKernel overflow: line 3, column 14: ...; expected ...'.
 * Lines and columns count from 1 within the function.
 */
export function refusal(
  source: KernelSource,
  at: Node | number,
  { found, expected, fix }: Refusal,
): OptionError {
  const { where, text, before } = source;
  const start = Math.max(0, (typeof at === 'number' ? at : at.start) - before);
  const { line, column } = getLineInfo(text.slice(before), start);
  return new OptionError({
    where: `${where}: line ${line}, column ${column + 1}`,
    option: 'function',
    value: text.slice(before, before + 200),
    found,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** The function as an expression that means the same in a module of its own. */
export function standAlone({ text, before, renames }: KernelSource): string {
  let whole = '';
  let at = 0;
  for (const [start, { end, name }] of [...renames].sort(([a], [b]) => a - b)) {
    whole += text.slice(at, start) + name;
    at = end;
  }
  whole += text.slice(at);
  // A line comment at the end must not swallow what follows.
  return before === 0 ? `(${whole.replace(/[\s;]+$/, '')}\n)` : `Object.values(${whole})[0]`;
}

/** The text behind a node. */
export function textOf({ text }: KernelSource, { start, end }: Node): string {
  const whole = text.slice(start, end);
  return whole.length > 50 ? `${whole.slice(0, 47)}...` : whole;
}

const EXPECTED = 'one function, as `function (x) { ... }`';

/**
 * Parse a function, given as such or as text.
 * @throws OptionError when it is none, or does not parse.
 */
export function parseKernel(where: string, given: unknown): KernelSource {
  const text = typeof given === 'function' ? Function.prototype.toString.call(given) : given;
  if (typeof text !== 'string') {
    throw new OptionError({
      where,
      option: 'function',
      value: given,
      found: 'the function is missing',
      expected: EXPECTED,
    });
  }
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw new OptionError({
      where,
      option: 'function',
      value: given,
      found: 'the text of the function is not to be had, because it is built in or came out of bind()',
      expected: EXPECTED,
    });
  }
  return parseText(where, text);
}

function parseText(where: string, text: string): KernelSource {
  const plain = tryParse(text, '');
  if ('tree' in plain && isFunction(plain.tree))
    return { where, text, before: 0, tree: plain.tree, renames: new Map() };
  // A method reads `density(x) { ... }`, which parses only inside an object.
  const method = tryParse(text, '{');
  if ('tree' in method && method.tree.type === 'ObjectExpression') {
    const [property] = method.tree.properties;
    if (property?.type === 'Property' && property.method && !property.computed && isFunction(property.value))
      return { where, text: `{${text}}`, before: 1, tree: property.value, renames: new Map() };
  }
  const broken = { where, text, before: 0 } as KernelSource;
  if ('tree' in plain)
    throw refusal(broken, plain.tree, { found: 'this is not a function', expected: EXPECTED });
  throw refusal(broken, plain.at, { found: `this does not parse (${plain.reason})`, expected: EXPECTED });
}

function isFunction(tree: Expression): tree is FunctionNode {
  return tree.type === 'FunctionExpression' || tree.type === 'ArrowFunctionExpression';
}

type Parsed = { readonly tree: Expression } | { readonly at: number; readonly reason: string };

function tryParse(text: string, before: '' | '{'): Parsed {
  const whole = before === '' ? text : `${before}${text}}`;
  try {
    const tree = parseExpressionAt(whole, 0, { ecmaVersion: 2022 });
    const rest = REST.exec(whole.slice(tree.end))?.[0].length ?? 0;
    if (tree.end + rest === whole.length) return { tree };
    return { at: tree.end + rest, reason: 'there is more after its end' };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = 'pos' in error && typeof error.pos === 'number' ? error.pos : 0;
    return { at, reason: error.message.replace(/ \(\d+:\d+\)$/, '') };
  }
}

/** Blanks, comments and semicolons, which may follow a function. */
const REST = /^(?:[\s;]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/;
