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

/** One tree that takes as many evaluations as it may, to one run of the chain. */
async function grown(
  { chain, inverseTemperature, blocks }: TreeCase,
  mode: TreeMode,
  evaluations: number,
  seed: number,
  backend: Backend,
): Promise<TreeResult> {
  const runs = Math.ceil(evaluations / STEPS);
  const batch = mode === 'prior' ? runs : Math.max(1, Math.min(MOST_WALKS, Math.floor(runs / 64)));
  const shared = { chain: diffusionChain(chain), inverseTemperature, mode, batch };
  const bound = mode === 'prior' ? { iterations: runs } : { evaluations };
  // Few children of the root on products, so that each has descendants.
  const births = mode === 'ipw' && blocks > 1 ? { births: { root: { factor: 1, exponent: 0.6 } } } : {};
  return run(treeSampler({ ...shared, ...bound, ...births }), { seed, backend });
}

const MODES = ['prior', 'paper', 'precision', 'ipw'] as const;
type Sampling = (typeof MODES)[number];

/** What is asked of a mode, given what was found for the others: on products, where few runs count, to be better at all. */
function goalOf(
  mode: Sampling,
  product: boolean,
  budget: number,
  found: Readonly<Record<Sampling, Spread>>,
): string {
  const { prior, paper } = found;
  if (mode === 'ipw' && product) return `below prior, ${prior.mean.toFixed(4)}`;
  if (mode === 'ipw') return `<= 1.5 times prior, ${(1.5 * prior.mean).toFixed(4)}`;
  if (mode !== 'precision' || budget < 1e5) return '';
  return product
    ? `below paper, ${paper.mean.toFixed(4)}`
    : `<= half of paper, ${(paper.mean / 2).toFixed(4)}`;
}

/** Masses of cells of trees of several seeds at a budget of evaluations. */
async function massRows(
  problem: TreeCase,
  budget: number,
  seeds: number,
  backend: Backend,
): Promise<readonly Row[]> {
  const found = {} as Record<Sampling, Spread>;
  for (const mode of MODES) {
    const own: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const { sample } = await grown(problem, mode, budget, seed, backend);
      own.push(variation(problem, sample.points, normalizedWeight(sample.logWeight)));
    }
    found[mode] = spreadOf(own);
  }
  return MODES.map((mode) => {
    const { mean, error } = found[mode];
    const what = `${problem.name}, ${budget.toExponential(0)} evaluations, ${mode}`;
    return {
      ...{ what, found: `cell variation ${mean.toFixed(4)} +/- ${error.toFixed(4)}` },
      goal: goalOf(mode, problem.blocks > 1, budget, found),
    };
  });
}

/** Laws in the plane: prior runs count there, so a tree has little to win. */
export async function inThePlane(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const sizes = toy ? [[500, 2] as const] : [[1e4, 24] as const, [1e5, 10] as const];
  const rows: Row[] = [];
  for (const problem of planeCases())
    for (const [budget, seeds] of sizes) rows.push(...(await massRows(problem, budget, seeds, backend)));
  return rows;
}

/** Products of them. */
export async function products(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const problem of productCases())
    rows.push(...(await massRows(problem, toy ? 500 : 1e5, toy ? 2 : 12, backend)));
  return rows;
}

/** The best reward of a search at a fifth of what the best of plain runs was given. */
export async function searches(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const [budget, seeds] = toy ? [1000, 2] : [1e5, 10];
  const rows: Row[] = [];
  for (const problem of searchCases()) {
    const best = async (mode: TreeMode, evaluations: number): Promise<Spread> => {
      const own: number[] = [];
      for (let seed = 1; seed <= seeds; seed++)
        own.push((await grown(problem, mode, evaluations, seed, backend)).best.reward);
      return spreadOf(own);
    };
    const plain = await best('prior', budget);
    const row = (what: string, evaluations: number, { mean, error }: Spread, goal: string): Row => ({
      what: `${problem.name}, ${evaluations.toExponential(0)} evaluations, ${what}`,
      ...{ found: `best reward ${mean.toFixed(2)} +/- ${error.toFixed(2)}`, goal },
    });
    rows.push(row('best of N', budget, plain, ''));
    rows.push(row('search', budget / 5, await best('search', budget / 5), `>= ${plain.mean.toFixed(2)}`));
    rows.push(row('search', budget, await best('search', budget), ''));
  }
  return rows;
}
