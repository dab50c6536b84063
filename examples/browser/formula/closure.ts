import { FUNCTIONS } from './functions.ts';
import { childrenOf, type Operator, type Tree } from './tree.ts';

/** A formula as a function of one point. */
export type PointFunction = (x: ArrayLike<number>) => number;

/** The value of a formula at a point x, in float64, as nested functions: nothing is generated or evaluated as text. */
export function closureOf(tree: Tree): PointFunction {
  const value = constantOf(tree);
  if (value !== undefined) return () => value;
  switch (tree.kind) {
    case 'input': {
      const { index } = tree;
      return (x) => x[index]!;
    }
    case 'negative': {
      const of = closureOf(tree.of);
      return (x) => -of(x);
    }
    case 'binary':
      return binary(tree.operator, tree.left, tree.right);
    case 'call':
      return call(FUNCTIONS[tree.name].evaluate, tree.args.map(closureOf));
    default:
      throw new TypeError('a number is a constant');
  }
}

/** The value of a part without inputs. */
export function constantOf(tree: Tree): number | undefined {
  if (tree.kind === 'number') return tree.value;
  if (tree.kind === 'input') return undefined;
  const args = childrenOf(tree).map(constantOf);
  const known = args.filter((value) => value !== undefined);
  if (known.length < args.length) return undefined;
  if (tree.kind === 'negative') return -known[0]!;
  if (tree.kind === 'binary') return applyOperator(tree.operator, known[0]!, known[1]!);
  // Each entry takes numbers; how many was checked by the parser.
  return (FUNCTIONS[tree.name].evaluate as (...numbers: number[]) => number)(...known);
}

/** One operator on two numbers. */
export function applyOperator(operator: Operator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '^':
      return a ** b;
    default:
      return operator satisfies never;
  }
}

function binary(operator: Operator, left: Tree, right: Tree): PointFunction {
  const a = closureOf(left);
  const b = closureOf(right);
  const power = operator === '^' ? constantOf(right) : undefined;
  // The square is by far the most frequent power and the only one that a product gives exactly.
  if (power === 2) {
    return (x) => {
      const value = a(x);
      return value * value;
    };
  }
  switch (operator) {
    case '+':
      return (x) => a(x) + b(x);
    case '-':
      return (x) => a(x) - b(x);
    case '*':
      return (x) => a(x) * b(x);
    case '/':
      return (x) => a(x) / b(x);
    case '^':
      return (x) => a(x) ** b(x);
    default:
      return operator satisfies never;
  }
}

function call(evaluate: (...args: number[]) => number, args: readonly PointFunction[]): PointFunction {
  const [a, b] = args;
  if (args.length === 1) return (x) => evaluate(a!(x));
  if (args.length === 2) return (x) => evaluate(a!(x), b!(x));
  return (x) => evaluate(...args.map((arg) => arg(x)));
}
