import { constantOf } from './closure.ts';
import type { FunctionName } from './functions.ts';
import type { Tree } from './tree.ts';

/** Powers up to this one become products, which also take negative numbers on a graphics card. */
const LARGEST_PRODUCT = 16;

/** How tightly the parts of a text hold together; what holds less tightly than its place asks for gets brackets. */
const SUM = 1;
const PRODUCT = 2;
const SIGN = 3;
const WORD = 4;

interface Piece {
  readonly text: string;
  readonly rank: number;
}

/** Lines before the result: values that are used more than once. */
type Lines = string[];

/**
 * A formula as the text of a JavaScript function of one point, `function (x) { return ...; }`, in the subset that
 * `gpuKernel` takes. It is made from the tree alone, so nothing a person typed stands in it but numbers.
 */
export function javascriptOf(tree: Tree): string {
  const lines: Lines = [];
  const result = write(tree, lines).text;
  return `function (x) {\n${lines.map((line) => `${line}\n`).join('')}  return ${result};\n}`;
}

function write(node: Tree, lines: Lines): Piece {
  const value = constantOf(node);
  if (value !== undefined) return numeral(value);
  switch (node.kind) {
    case 'input':
      return { text: `x[${node.index}]`, rank: WORD };
    case 'negative':
      // Two signs in a row would be another operator.
      return { text: `-${within(write(node.of, lines), WORD)}`, rank: SIGN };
    case 'binary': {
      const { operator, left, right } = node;
      if (operator === '^') return power(left, right, lines);
      const rank = operator === '+' || operator === '-' ? SUM : PRODUCT;
      const a = within(write(left, lines), rank);
      return { text: `${a} ${operator} ${within(write(right, lines), rank + 1)}`, rank };
    }
    case 'call':
      return call(node.name, node.args, lines);
    default:
      throw new TypeError('a number is a constant');
  }
}

function within({ text, rank }: Piece, least: number): string {
  return rank < least ? `(${text})` : text;
}

function power(left: Tree, right: Tree, lines: Lines): Piece {
  const exponent = constantOf(right);
  const base = write(left, lines);
  const whole = exponent !== undefined && Number.isInteger(exponent) && Math.abs(exponent) <= LARGEST_PRODUCT;
  if (!whole || exponent === 0)
    return { text: `Math.pow(${base.text}, ${write(right, lines).text})`, rank: WORD };
  const factors = product(keep(base, lines), Math.abs(exponent), lines);
  return exponent < 0 ? { text: `1 / ${within(factors, SIGN)}`, rank: PRODUCT } : factors;
}

/** x^n by squaring. */
function product(base: Piece, n: number, lines: Lines): Piece {
  if (n === 1) return base;
  const { text } = keep(product(base, n >> 1, lines), lines);
  return { text: n % 2 === 0 ? `${text} * ${text}` : `${text} * ${text} * ${base.text}`, rank: PRODUCT };
}

/** A value with a name, so that it is computed once. */
function keep(piece: Piece, lines: Lines): Piece {
  if (/^t\d+$|^x\[\d+\]$/.test(piece.text)) return piece;
  const name = `t${lines.length}`;
  lines.push(`  const ${name} = ${piece.text};`);
  return { text: name, rank: WORD };
}

function call(name: FunctionName, args: readonly Tree[], lines: Lines): Piece {
  if (name === 'pow') return power(args[0]!, args[1]!, lines);
  const [first, ...rest] = args.map((arg) => write(arg, lines).text);
  if (rest.length === 0) return { text: `Math.${name}(${first})`, rank: WORD };
  const text = rest.reduce((folded, arg) => `Math.${name}(${folded}, ${arg})`, first!);
  return { text, rank: WORD };
}

/** A number that JavaScript reads back as the same one. */
function numeral(value: number): Piece {
  if (Number.isNaN(value)) return { text: '0 / 0', rank: PRODUCT };
  if (!Number.isFinite(value)) return { text: value > 0 ? '1 / 0' : '-1 / 0', rank: PRODUCT };
  if (Object.is(value, -0)) return { text: '-0', rank: SIGN };
  return { text: String(value), rank: value < 0 ? SIGN : WORD };
}
