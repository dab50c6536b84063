import { constantOf } from './closure.ts';
import type { FunctionName } from './functions.ts';
import type { Tree } from './tree.ts';

/** Powers up to this one become products, which also take negative numbers on a graphics card. */
const LARGEST_PRODUCT = 16;

/**
 * A formula as the text of a JavaScript function of one point, `function (x) { return ...; }`, in the subset that
 * `gpuKernel` takes. It is made from the tree alone, so nothing a person typed stands in it but numbers.
 */
export function javascriptOf(tree: Tree): string {
  const lines: string[] = [];
  const write = (node: Tree): string => {
    const value = constantOf(node);
    if (value !== undefined) return numeral(value);
    switch (node.kind) {
      case 'input':
        return `x[${node.index}]`;
      case 'negative':
        return `(-${write(node.of)})`;
      case 'binary':
        if (node.operator === '^') return power(node.left, node.right);
        return `(${write(node.left)} ${node.operator} ${write(node.right)})`;
      case 'call':
        return call(node.name, node.args);
      default:
        throw new TypeError('a number is a constant');
    }
  };
  /** A value with a name, so that it is computed once. */
  const keep = (text: string): string => {
    if (/^\w+$/.test(text)) return text;
    lines.push(`  const t${lines.length} = ${text};`);
    return `t${lines.length - 1}`;
  };
  const power = (left: Tree, right: Tree): string => {
    const exponent = constantOf(right);
    const base = write(left);
    const whole =
      exponent !== undefined && Number.isInteger(exponent) && Math.abs(exponent) <= LARGEST_PRODUCT;
    if (!whole || exponent === 0) return `Math.pow(${base}, ${write(right)})`;
    const factors = product(keep(base), Math.abs(exponent));
    return exponent < 0 ? `(1 / ${factors})` : factors;
  };
  /** x^n by squaring. */
  const product = (base: string, n: number): string => {
    if (n === 1) return base;
    const half = keep(product(base, n >> 1));
    return n % 2 === 0 ? `(${half} * ${half})` : `(${half} * ${half} * ${base})`;
  };
  const call = (name: FunctionName, args: readonly Tree[]): string => {
    if (name === 'pow') return power(args[0]!, args[1]!);
    const [first, ...rest] = args.map(write);
    if (rest.length === 0) return `Math.${name}(${first})`;
    return rest.reduce((folded, arg) => `Math.${name}(${folded}, ${arg})`, first!);
  };
  const result = write(tree);
  return `function (x) {\n${lines.map((line) => `${line}\n`).join('')}  return ${result};\n}`;
}

/** A number that JavaScript reads back as the same one. */
function numeral(value: number): string {
  if (Number.isNaN(value)) return '(0 / 0)';
  if (!Number.isFinite(value)) return value > 0 ? '(1 / 0)' : '(-1 / 0)';
  return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0' : value})` : String(value);
}
