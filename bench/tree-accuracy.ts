/** How good trees are at the same evaluations of the denoiser: figures that are no times, as rows of a table. */
import {
  type Backend,
  diffusionChain,
  normalizedWeight,
  run,
  type TreeMode,
  type TreeResult,
  treeSampler,
} from '../estimators/index.ts';
import type { Row } from './diffusion-accuracy.ts';
import { planeCases, productCases, STEPS, searchCases, type TreeCase, variation } from './tree-cases.ts';

interface Spread {
  readonly mean: number;
  readonly error: number;
}

function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v / n, 0);
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

/** Walks in flight at most; a 64th of the runs that a budget pays for is few enough to change nothing. */
const MOST_WALKS = 16;

/** How a tree is grown. */
interface Way {
  readonly mode: TreeMode;
  readonly explore?: number;
}

/** One tree that takes as many evaluations as it may, to one run of the chain. */
async function grown(
  { chain, inverseTemperature, blocks }: TreeCase,
  { mode, explore }: Way,
  evaluations: number,
  seed: number,
  backend: Backend,
): Promise<TreeResult> {
  const runs = Math.ceil(evaluations / STEPS);
  const batch = mode === 'prior' ? runs : Math.max(1, Math.min(MOST_WALKS, Math.floor(runs / 64)));
  const shared = { chain: diffusionChain(chain), inverseTemperature, mode, batch };
  const choice = explore === undefined ? {} : { explore };
  const bound = mode === 'prior' ? { iterations: runs } : { evaluations };
  // Few children of the root on products, so that each has descendants.
  const births = mode === 'ipw' && blocks > 1 ? { births: { root: { factor: 1, exponent: 0.6 } } } : {};
  return run(treeSampler({ ...shared, ...choice, ...bound, ...births }), { seed, backend });
}

type Sampling = 'prior' | 'paper' | 'precision' | 'ipw' | 'exploring';

const WAYS: Readonly<Record<Sampling, Way & { readonly name: string }>> = {
  prior: { name: 'prior', mode: 'prior' },
  paper: { name: 'paper', mode: 'paper' },
  precision: { name: 'precision', mode: 'precision' },
  ipw: { name: 'ipw', mode: 'ipw' },
  exploring: { name: 'precision, explore 0.2', mode: 'precision', explore: 0.2 },
};
const MODES: readonly Sampling[] = ['prior', 'paper', 'precision', 'ipw'];
/** The specification lets visits explore where budgets are large and plain runs count: then bias is what is left. */
const LARGE: readonly Sampling[] = [...MODES, 'exploring'];

/** What the specification of the method found: by law and budget, in the order of `MODES`. */
const SPECIFIED: Readonly<Record<string, readonly number[]>> = {
  'ring8, 1e+4': [0.072, 0.128, 0.065, 0.08],
  'ring8, 1e+5': [0.021, 0.1, 0.034, 0.017],
  'ring8, 1e+6': [0.0061, 0.076, 0.028, 0.0091],
  'skew5, 1e+4': [0.059, 0.112, 0.062, 0.061],
  'skew5, 1e+5': [0.016, 0.052, 0.014, 0.018],
  'skew5, 1e+6': [0.0077, 0.037, 0.0095, 0.0091],
  'ring8^3, 1e+5': [0.129, 0.153, 0.088, 0.116],
  'skew5^4, 1e+5': [0.257, 0.188, 0.133, 0.191],
  'tail1^4, 1e+5': [0.104, 0.088, 0.045, 0.065],
};

/** How many times one mean is below another. */
function ratioOf(above: Spread, below: Spread): Spread {
  const mean = above.mean / below.mean;
  return { mean, error: mean * Math.hypot(above.error / above.mean, below.error / below.mean) };
}

/** A bound, and whether a figure keeps it. */
function bound(what: string, most: number, found: number): string {
  return `<= ${what}, ${most.toFixed(4)}: ${found <= most ? 'met' : 'missed'}`;
}

/**
 * What is asked of a mode, given what was found for the others: planned children within 1.5 times plain runs in the plane, and
 * ahead of them on products; precise values half as far off as published ones, from 1e5 evaluations on.
 */
function goalOf(
  mode: Sampling,
  { product, budget, specified }: Asked,
  found: Readonly<Partial<Record<Sampling, Spread>>>,
): string {
  const { prior, paper } = found;
  const { mean } = found[mode]!;
  if (mode === 'ipw' && prior !== undefined)
    return product ? bound('prior', prior.mean, mean) : bound('1.5 times prior', 1.5 * prior.mean, mean);
  if (WAYS[mode].mode !== 'precision' || budget < 1e5 || paper === undefined) return '';
  const times = ratioOf(paper, found[mode]!);
  const [, theirPaper, theirs] = specified ?? [];
  const beside =
    theirs === undefined || mode !== 'precision'
      ? ''
      : ` (specification ${(theirPaper! / theirs).toFixed(1)})`;
  return `${bound('half of paper', paper.mean / 2, mean)}, ${times.mean.toFixed(1)} +/- ${times.error.toFixed(1)} times below${beside}`;
}

interface Asked {
  readonly product: boolean;
  readonly budget: number;
  readonly specified: readonly number[] | undefined;
}

interface Budget {
  readonly evaluations: number;
  readonly seeds: number;
  readonly modes?: readonly Sampling[];
}

/** Masses of cells of trees of several seeds at a budget of evaluations. */
async function massRows(
  problem: TreeCase,
  { evaluations, seeds, modes = MODES }: Budget,
  backend: Backend,
): Promise<readonly Row[]> {
  const found: Partial<Record<Sampling, Spread>> = {};
  for (const mode of modes) {
    const own: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const { sample } = await grown(problem, WAYS[mode], evaluations, seed, backend);
      own.push(variation(problem, sample.points, normalizedWeight(sample.logWeight)));
    }
    found[mode] = spreadOf(own);
  }
  const place = `${problem.name}, ${evaluations.toExponential(0)}`;
  const specified = SPECIFIED[place];
  return modes.map((mode) => {
    const { mean, error } = found[mode]!;
    const theirs = specified?.[MODES.indexOf(mode)];
    const beside = theirs === undefined ? '' : ` (specification ${theirs})`;
    return {
      what: `${place} evaluations, ${WAYS[mode].name}`,
      found: `cell variation ${mean.toFixed(4)} +/- ${error.toFixed(4)}${beside}`,
      goal: goalOf(mode, { product: problem.blocks > 1, budget: evaluations, specified }, found),
    };
  });
}

const TOY: readonly Budget[] = [{ evaluations: 500, seeds: 2 }];

/** Laws in the plane: prior runs count there, so a tree has little to win. On 'ring8' planned children are at the edge of the goal at 1e6. */
export async function inThePlane(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const budgets: readonly Budget[] = [
    { evaluations: 1e4, seeds: 24 },
    { evaluations: 1e5, seeds: 16 },
    { evaluations: 1e6, seeds: 6, modes: LARGE },
  ];
  return rowsOf(planeCases(), toy ? TOY : budgets, backend);
}

/**
 * Products of them. Half of 'paper' at 1e5 evaluations is out of reach on the first two: 1.7 and 1.4 times below, and 2.0 on the third, in
 * the specification, whose trees were grown by plain means and weighed anew.
 */
export async function products(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const budgets: readonly Budget[] = [
    { evaluations: 1e5, seeds: 32 },
    { evaluations: 1e6, seeds: 6, modes: ['paper', 'precision', 'exploring'] },
  ];
  return rowsOf(productCases(), toy ? TOY : budgets, backend);
}

async function rowsOf(
  problems: readonly TreeCase[],
  budgets: readonly Budget[],
  backend: Backend,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const problem of problems)
    for (const budget of budgets) rows.push(...(await massRows(problem, budget, backend)));
  return rows;
}

/** The best reward of a search at a fifth of what the best of plain runs was given. */
export async function searches(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const [budget, seeds] = toy ? [1000, 2] : [1e5, 6];
  const rows: Row[] = [];
  for (const problem of searchCases()) {
    const best = async (mode: TreeMode, evaluations: number): Promise<Spread> => {
      const own: number[] = [];
      for (let seed = 1; seed <= seeds; seed++)
        own.push((await grown(problem, { mode }, evaluations, seed, backend)).best.reward);
      return spreadOf(own);
    };
    const plain = await best('prior', budget);
    const row = (what: string, evaluations: number, { mean, error }: Spread, goal: string): Row => ({
      what: `${problem.name}, ${evaluations.toExponential(0)} evaluations, ${what}`,
      ...{ found: `best reward ${mean.toFixed(2)} +/- ${error.toFixed(2)}`, goal },
    });
    rows.push(row('best of N', budget, plain, ''));
    const found = await best('search', budget / 5);
    const verdict = found.mean >= plain.mean ? 'met' : 'missed';
    rows.push(row('search', budget / 5, found, `>= best of N, ${plain.mean.toFixed(2)}: ${verdict}`));
    rows.push(row('search', budget, await best('search', budget), ''));
  }
  return rows;
}
