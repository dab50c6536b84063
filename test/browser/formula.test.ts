import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gpuKernel } from '../../estimators/index.ts';
import { closureOf } from '../../examples/browser/formula/closure.ts';
import { FormulaError } from '../../examples/browser/formula/error.ts';
import { explain } from '../../examples/browser/formula/explain.ts';
import { FUNCTIONS } from '../../examples/browser/formula/functions.ts';
import { javascriptOf } from '../../examples/browser/formula/javascript.ts';
import { parseFormula } from '../../examples/browser/formula/parse.ts';
import { inputsOf, type Tree } from '../../examples/browser/formula/tree.ts';
import { MODELS } from '../../examples/browser/models.ts';

const NAMES = ['x1', 'x2', 'x3'];
const POINT = [0.7, -1.3, 2.1];

const value = (text: string, x: ArrayLike<number> = POINT): number => closureOf(parseFormula(text, NAMES))(x);

/** The generated text, run by the test as JavaScript: the page itself never does. */
function run(text: string): (x: ArrayLike<number>) => number {
  return new Function(`return ${text}`)() as (x: ArrayLike<number>) => number;
}

function message(text: string, names: readonly string[] = NAMES): string {
  try {
    parseFormula(text, names);
  } catch (error) {
    if (error instanceof FormulaError) return error.message;
    throw error;
  }
  throw new Error(`${text} was read`);
}

describe('a formula means what mathematics means by it', () => {
  const [a, b, c] = POINT as [number, number, number];
  test.each([
    ['1 + 2 * 3', 7],
    ['2 - 3 - 4', -5],
    ['16 / 4 / 2', 2],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['(-2) ^ 2', 4],
    ['2 ^ -1', 0.5],
    ['2 ** 3', 8],
    ['- - 3', 3],
    ['+3', 3],
    ['2 * -3', -6],
    ['x1²', a * a],
    ['2·x1', 2 * a],
    ['1.5e-3 + .5 + 2.', 2.5015],
    ['pi + e', Math.PI + Math.E],
    [
      'sin(x1) + 7*sin(x2)^2 + 0.1*x3^4*sin(x1)',
      Math.sin(a) + 7 * Math.sin(b) ** 2 + 0.1 * c ** 4 * Math.sin(a),
    ],
    ['max(x1, x2, x3) - min(x1, x2)', c - b],
    ['pow(x3, 1.5)', c ** 1.5],
    ['x2^3', b ** 3],
    ['x2^-3', b ** -3],
    ['log(exp(x1)) + sqrt(abs(x2)) + floor(x3) + sign(x2)', a + Math.sqrt(-b) + 2 - 1],
    ['tan(\n x1\n)', Math.tan(a)],
  ])('%s', (text, expected) => {
    expect(value(text)).toBeCloseTo(expected, 12);
    expect(run(javascriptOf(parseFormula(text, NAMES)))(POINT)).toBeCloseTo(expected, 12);
  });

  test('inputs are numbered by their place in the list of names', () => {
    expect(inputsOf(parseFormula('x3 * sin(x1) + x3', NAMES))).toEqual([0, 2]);
    expect(closureOf(parseFormula('Q / Ks', ['Ks', 'Q']))([2, 6])).toBe(3);
  });
});

describe('a mistake is told with its place and what to write instead', () => {
  test.each([
    [
      'sin(x1) + 7*sinn(x2)',
      'line 1, column 13: unknown name `sinn`. Did you mean `sin`? Inputs are x1, x2, x3.',
    ],
    ['x1 +\n  y', 'line 2, column 3: unknown name `y`. Inputs are x1, x2, x3.'],
    ['x1 + X2', 'line 1, column 6: unknown name `X2`. Did you mean `x2`? Inputs are x1, x2, x3.'],
    ['Math.sin(x1)', 'line 1, column 1: unknown name `Math.sin`. Did you mean `sin`? Inputs are x1, x2, x3.'],
    ['ln(x1)', 'line 1, column 1: unknown name `ln`. Did you mean `log`? Inputs are x1, x2, x3.'],
    ['π * x1', 'line 1, column 1: unknown name `π`. Did you mean `pi`? Inputs are x1, x2, x3.'],
    ['2x1', 'line 1, column 2: an operator is missing before `x1`. For a product write `2 * x1`.'],
    ['x1 (x2)', 'line 1, column 4: `x1` is no function. Write a * before the bracket.'],
    [
      '(x1) (x2)',
      'line 1, column 6: an operator is missing before the bracket. For a product write `) * (`.',
    ],
    ['sin x1', 'line 1, column 1: `sin` is a function: write sin(...).'],
    ['sin()', 'line 1, column 1: `sin` takes one argument, here it has none.'],
    ['max(x1)', 'line 1, column 1: `max` takes 2 to 8 arguments, here it has 1.'],
    ['pow(x1, 2, 3)', 'line 1, column 1: `pow` takes 2 arguments, here it has 3.'],
    ['(x1 + 2', 'line 1, column 1: this `(` is never closed.'],
    ['x1 + 2)', 'line 1, column 7: this `)` closes nothing.'],
    ['x1 +', 'line 1, column 5: something is missing after `+`.'],
    ['x1 * / 2', 'line 1, column 6: a number, an input or a bracket is missing after `*`, before `/`.'],
    ['* 2', 'line 1, column 1: a number, an input or a bracket is missing at the beginning, before `*`.'],
    ['1,5 * x1', 'line 1, column 2: a comma stands only between arguments. Write 1.5 with a point.'],
    ['(1, x1)', 'line 1, column 3: a comma stands only between arguments.'],
    ['y = x1', 'line 1, column 3: `=` has no meaning here. Write only the right-hand side.'],
    ['x1 $ 2', 'line 1, column 4: `$` has no meaning here.'],
    ['', 'line 1, column 1: type a formula, such as sin(x1) + 2*x2^2.'],
  ])('%s', (text, expected) => {
    expect(message(text)).toBe(expected);
  });

  test('formulas that are too deep or too long are refused before they can do harm', () => {
    expect(message(`${'('.repeat(300)}x1`)).toContain(
      'column 201: brackets and signs are nested more than 200',
    );
    expect(message(`${'-'.repeat(300)}x1`)).toContain('nested more than 200 deep');
    expect(message(`x1${' + 1'.repeat(600)}`)).toContain('the formula has 2402 characters; at most 2000');
    expect(value(`x1${'+1'.repeat(999)}`)).toBeCloseTo(0.7 + 999, 9);
  });

  test('names of JavaScript objects are as unknown as any other', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'window', 'this'])
      expect(message(`${name}(x1)`), name).toContain(`unknown name \`${name}\``);
  });
});

/** Trees of every kind, with numbers that are small enough not to overflow. */
const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('number' as const), value: fc.double({ min: 0, max: 9, noNaN: true }) }),
    fc.record({ kind: fc.constant('input' as const), index: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ kind: fc.constant('negative' as const), of: tie('tree') }),
    fc.record({
      kind: fc.constant('binary' as const),
      operator: fc.constantFrom('+', '-', '*', '/', '^'),
      left: tie('tree'),
      right: tie('tree'),
    }),
    fc.record({
      kind: fc.constant('call' as const),
      name: fc.constantFrom('sin', 'exp', 'abs', 'sqrt', 'floor', 'sign'),
      args: fc.tuple(tie('tree')),
    }),
    fc.record({
      kind: fc.constant('call' as const),
      name: fc.constantFrom('min', 'max', 'pow'),
      args: fc.tuple(tie('tree'), tie('tree')),
    }),
  ),
})).tree;

/** A tree as a person would type it, with all brackets. */
function typed(node: Tree): string {
  switch (node.kind) {
    case 'number':
      return String(node.value);
    case 'input':
      return NAMES[node.index]!;
    case 'negative':
      return `(-${typed(node.of)})`;
    case 'binary':
      return `(${typed(node.left)} ${node.operator} ${typed(node.right)})`;
    default:
      return `${node.name}(${node.args.map(typed).join(', ')})`;
  }
}

test('what is typed is read back as the same tree, and closure and generated text agree', () => {
  fc.assert(
    fc.property(trees, (tree) => {
      const read = parseFormula(typed(tree), NAMES);
      expect(read).toEqual(tree);
      const here = closureOf(tree)(POINT);
      const there = run(javascriptOf(tree))(POINT);
      // Whole powers are products in the text: a few roundings, which tan and exp of large numbers may enlarge.
      if (
        Number.isFinite(here) &&
        Math.abs(here) < 1e3 &&
        !typed(tree).includes('^') &&
        !typed(tree).includes('pow')
      )
        expect(there).toBeCloseTo(here, 9);
      expect(explain(tree, POINT) === undefined || !everyPartFinite(tree)).toBe(true);
    }),
    { seed: 3, numRuns: 400 },
  );
});

function everyPartFinite(tree: Tree): boolean {
  const here = Number.isFinite(closureOf(tree)(POINT));
  if (tree.kind === 'negative') return here && everyPartFinite(tree.of);
  if (tree.kind === 'binary') return here && everyPartFinite(tree.left) && everyPartFinite(tree.right);
  return here && (tree.kind !== 'call' || tree.args.every(everyPartFinite));
}

test('whole powers agree to rounding, for negative numbers too', () => {
  for (let n = -20; n <= 20; n++) {
    const tree = parseFormula(`(x2 + x1*0)^(${n})`, NAMES);
    for (const x of [-3.7, -0.2, 0.9, 12]) {
      const here = closureOf(tree)([1, x, 0]);
      expect(Math.abs(run(javascriptOf(tree))([1, x, 0]) / here - 1)).toBeLessThan(20 * 2 ** -52);
    }
  }
});

test('the cause of a missing value is the innermost part that has none', () => {
  const cause = (text: string, x: readonly number[]): string | undefined =>
    explain(parseFormula(text, NAMES), x);
  expect(cause('log(x1) + 1', [-1, 0, 0])).toBe('log of a negative number');
  expect(cause('1 / (x1 - x2)', [2, 2, 0])).toBe('division by 0');
  expect(cause('sin(sqrt(x1))', [-4, 0, 0])).toBe('sqrt of a negative number');
  expect(cause('x1 ^ 0.5', [-4, 0, 0])).toBe('a negative number to the power of a fraction');
  expect(cause('exp(x1)', [1e4, 0, 0])).toBe('a number that is too large');
  expect(cause('asin(x1)', [2, 0, 0])).toBe('asin of a number outside -1 to 1');
  expect(cause('x1 + 1', [2, 0, 0])).toBeUndefined();
});

test('the text of every model, and of every function, is one that a graphics card takes', () => {
  const calls = Object.entries(FUNCTIONS).map(
    ([name, { fewest }]) => `${name}(${['x1/9', 'x2/9'].slice(0, fewest).join(', ')})`,
  );
  const texts = [
    ...MODELS.map(({ formula, inputs }) => [formula, inputs.map(({ name }) => name)] as const),
    ...calls.map((formula) => [formula, ['x1', 'x2']] as const),
    ['(x1 + 3000000000*x2)^-3 - 1e-30 + (x1 - 1)^5 + x2^0 + x1^0.5 + 2^x2', ['x1', 'x2']] as const,
  ];
  for (const [formula, names] of texts) {
    const tree = parseFormula(formula, names);
    const kernel = gpuKernel(javascriptOf(tree), { dims: names.length });
    const point = Float64Array.from(names, (_, i) => 1.25 + i);
    const here = closureOf(tree)(point);
    if (Number.isNaN(here)) expect(kernel.evaluate(point), formula).toBeNaN();
    else
      expect(Math.abs((kernel.evaluate(point) as number) - here), formula).toBeLessThanOrEqual(
        1e-12 * Math.abs(here),
      );
  }
});
