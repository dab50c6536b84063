import { applyOperator } from './closure.ts';
import { FUNCTIONS } from './functions.ts';
import { childrenOf, type Tree } from './tree.ts';

/** Why a formula has no finite value at a point, in a few words: 'log of a negative number'; undefined when it has one. */
export function explain(tree: Tree, x: ArrayLike<number>): string | undefined {
  let reason: string | undefined;
  const visit = (node: Tree): number => {
    const args = childrenOf(node).map(visit);
    const value = resultOf(node, args, x);
    // The innermost cause is met first; everything above it only passes it on.
    if (!Number.isFinite(value)) reason ??= reasonOf(node, args);
    return value;
  };
  visit(tree);
  return reason;
}

function resultOf(node: Tree, args: readonly number[], x: ArrayLike<number>): number {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'input':
      return x[node.index]!;
    case 'negative':
      return -args[0]!;
    case 'binary':
      return applyOperator(node.operator, args[0]!, args[1]!);
    case 'call':
      // Each entry takes numbers; how many was checked by the parser.
      return (FUNCTIONS[node.name].evaluate as (...numbers: number[]) => number)(...args);
    default:
      return node satisfies never;
  }
}

function reasonOf(node: Tree, [a, b]: readonly number[]): string {
  const power = node.kind === 'call' ? node.name === 'pow' : node.kind === 'binary' && node.operator === '^';
  if (power) {
    if (a! < 0 && !Number.isInteger(b)) return 'a negative number to the power of a fraction';
    return a === 0 && b! < 0 ? '0 to a negative power' : 'a number that is too large';
  }
  if (node.kind === 'binary')
    return node.operator === '/' && b === 0 ? 'division by 0' : 'a number that is too large';
  if (node.kind !== 'call') return 'a number that is too large';
  if (node.name.startsWith('log')) return `${node.name} of ${a === 0 ? '0' : 'a negative number'}`;
  if (node.name === 'sqrt') return 'sqrt of a negative number';
  if (node.name === 'asin' || node.name === 'acos') return `${node.name} of a number outside -1 to 1`;
  return 'a number that is too large';
}
