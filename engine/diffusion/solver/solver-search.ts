import { checkCount, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { OptionError, ShapeError } from '../../errors.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { type Rng, rngFromSeed } from '../../random/rng.ts';
import type { Grid } from '../grid.ts';
import { edmGrid, logSnrGrid, timeGrid } from '../grids.ts';
import { checkDenoiser } from '../open-denoiser.ts';
import type { Integrator } from './program.ts';
import {
  checkEnds,
  clearlyNearer,
  exactFlow,
  meanSquare,
  openSearch,
  type SearchProblem,
  type SearchSource,
} from './search-problem.ts';
import { affordable, crossed, type Genome, mutated, solverOf } from './solver-genome.ts';
import type { SolverRecord } from './solver-schedule.ts';

/*
 * An evolutionary search for a solver schedule: a population of genomes; every generation as many children of the best,
 * by crossing and mutation; the best of both stay. The known solvers begin it, so that it ends no worse than they are on
 * the points of the search, and other points decide between the best five and the best known solver, which gives way only
 * to a gain larger than its standard error.
 *
 * Differs from the paper: the score is the distance to the exact flow on few points, or the energy distance to a sample, in
 * place of FID; and no network predicts scores.
 *
 * Source: Liu et al. (2024), section 4.3 and algorithm 2.
 */

export interface SolverSearchOptions extends SearchSource {
  /** Evaluations that the solver may take, at least 3. */
  readonly evaluations: number;
  /** Times between which it goes, both with some signal and some noise: that of `x`, and the last. */
  readonly from: number;
  readonly to: number;
  /** 'flow': mean square to the exact flow. 'energy': energy distance to `sample`. Default 'flow'. */
  readonly score?: 'flow' | 'energy';
  /** [m, d] points of the law at time `to`, for 'energy'. */
  readonly sample?: Float64Array;
  /** Genomes that live at a time. Default 24. */
  readonly population?: number;
  /** Default 30. */
  readonly generations?: number;
  /** Default 0. */
  readonly seed?: number;
  readonly onProgress?: (progress: SearchProgress) => void;
}

export interface SearchProgress {
  readonly generation: number;
  readonly generations: number;
  /** The best score so far. */
  readonly score: number;
}

export interface SolverSearch {
  readonly integrator: Integrator;
  readonly grid: Grid;
  readonly records: readonly SolverRecord[];
  readonly analyticStart: boolean;
  /** On the points kept back, which chose it from the best few. */
  readonly score: number;
  /** Of the best known solver, on the same points. */
  readonly baseline: { readonly name: string; readonly score: number };
  /** [generations + 1] the best score on the points of the search. */
  readonly history: Float64Array;
  /** Rows of the denoiser, the exact flow left out. */
  readonly evaluations: number;
}

const WHERE = 'searchSolver';
const CROSSED = 0.3;
/** Of the last population, from which the points kept back choose. */
const FINALISTS = 5;

/**
 * Find a solver for one model and few evaluations.
 * @throws OptionError for bad options; what the denoiser throws; `signal.reason` when aborted.
 */
export async function searchSolver(options: SolverSearchOptions): Promise<SolverSearch> {
  const settings = checked(options);
  const { population, generations, seed } = settings;
  const problem = await openSearch(WHERE, options);
  try {
    const onSearch = await scorer(problem, settings, problem.search);
    const rng = rngFromSeed(seed);
    const known = await Promise.all(knownSolvers(settings).map((each) => scored(each, onSearch)));
    let living = known.slice().sort(byScore).slice(0, population);
    const history = new Float64Array(generations + 1).fill(living[0]!.score);
    for (let generation = 1; generation <= generations; generation++) {
      const children: Scored[] = [];
      for (let child = 0; child < population; child++)
        children.push(
          await scored({ genome: offspring(living, settings, rng, generation, child) }, onSearch),
        );
      living = [...living, ...children].sort(byScore).slice(0, population);
      history[generation] = living[0]!.score;
      settings.onProgress?.({ generation, generations, score: living[0]!.score });
    }
    const onCheck = await scorer(problem, settings, problem.check);
    const baseline = await scored(known.slice().sort(byScore)[0]!, onCheck);
    const finalists = await Promise.all(living.slice(0, FINALISTS).map((each) => scored(each, onCheck)));
    const winner = finalists.sort(byScore)[0]!;
    const best = (await clearlyBetter(problem, settings, winner, baseline)) ? winner : baseline;
    return {
      ...solverOf(problem.denoiser.schedule, best.genome),
      ...{ records: best.genome.records, analyticStart: best.genome.analyticStart },
      ...{ score: best.score, baseline: { name: baseline.name!, score: baseline.score } },
      ...{ history, evaluations: problem.denoiser.evaluations },
    };
  } finally {
    problem.release();
  }
}

/** On the points kept back. */
async function clearlyBetter(
  problem: SearchProblem,
  { first, last, sample }: Settings,
  winner: Scored,
  baseline: Scored,
): Promise<boolean> {
  if (sample !== undefined) return winner.score < baseline.score;
  const { schedule, dimension } = problem.denoiser;
  const ends: Float64Array[] = [];
  for (const { genome } of [winner, baseline]) {
    const { integrator, grid } = solverOf(schedule, genome);
    ends.push(await problem.end(integrator, grid, problem.check));
  }
  const exact = await exactFlow(problem, problem.check, first, last);
  return clearlyNearer(ends[0]!, ends[1]!, exact, dimension);
}

interface Individual {
  readonly genome: Genome;
  /** Of a known solver. */
  readonly name?: string;
}

interface Scored extends Individual {
  readonly score: number;
}

type Score = (genome: Genome) => Promise<number>;

async function scored(individual: Individual, score: Score): Promise<Scored> {
  const value = await score(individual.genome);
  return { ...individual, score: Number.isNaN(value) ? Infinity : value };
}

function byScore(a: Scored, b: Scored): number {
  return a.score - b.score;
}

/** A child of one or two of the better half, that can be afforded. */
function offspring(
  living: readonly Scored[],
  { evaluations }: Settings,
  rng: Rng,
  generation: number,
  child: number,
): Genome {
  const stream = rng.stream({ purpose: PURPOSE.proposal, step: generation, particle: child });
  const half = Math.max(1, Math.ceil(living.length / 2));
  const parent = (): Genome => living[Math.min(stream.below(half), stream.below(half))]!.genome;
  const made = stream.uniform() < CROSSED ? crossed(parent(), parent(), stream) : parent();
  return affordable(mutated(made, stream), evaluations, stream);
}

async function scorer(problem: SearchProblem, settings: Settings, x: Float64Array): Promise<Score> {
  const { schedule, dimension } = problem.denoiser;
  const { first, last } = settings;
  const { sample } = settings;
  const exact = sample ?? (await exactFlow(problem, x, first, last));
  return async (genome) => {
    const { integrator, grid } = solverOf(schedule, genome);
    const end = await problem.end(integrator, grid, x);
    return sample === undefined ? meanSquare(end, exact) : energyDistance(end, exact, dimension);
  };
}

/** 2 E|x - y| - E|x - x'| - E|y - y'| of the rows of two samples, over pairs of different rows. */
function energyDistance(x: Float64Array, y: Float64Array, d: number): number {
  return 2 * meanDistance(x, y, d) - meanDistance(x, x, d) - meanDistance(y, y, d);
}

function meanDistance(x: Float64Array, y: Float64Array, d: number): number {
  const [n, m] = [x.length / d, y.length / d];
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++) {
      let square = 0;
      for (let c = 0; c < d; c++) square += (x[i * d + c]! - y[j * d + c]!) ** 2;
      sum += Math.sqrt(square);
    }
  return sum / (n * (x === y ? m - 1 : m));
}

/** Known solvers as records, on known grids. */
function knownSolvers({ evaluations, first, last, schedule }: Settings): Individual[] {
  const span = { steps: evaluations, start: first.time, stop: last.time };
  const grids: readonly Grid[] = [
    logSnrGrid(schedule, span),
    timeGrid(schedule, span),
    edmGrid(schedule, {
      ...{ steps: evaluations, toData: false },
      ...{ largest: first.noise / first.signal, smallest: last.noise / last.signal },
    }),
  ];
  return grids.flatMap((grid) =>
    Object.entries(KNOWN).map(([name, record]): Individual => {
      const records = Array.from({ length: evaluations }, (_, i) => record(i, i === evaluations - 1));
      const times = grid.points.map(({ time }) => time);
      times[0] = first.time;
      times[evaluations] = last.time;
      return { name: `${name}, ${grid.name}`, genome: { times, records, analyticStart: false } };
    }),
  );
}

const HALF = [{ points: 1, relaxation: 'half' }] as const;

const KNOWN: Readonly<Record<string, (step: number, last: boolean) => SolverRecord>> = {
  ddim: () => ({ prediction: 'clean', order: 1 }),
  'dpm-solver++(2M)': () => ({ prediction: 'clean', order: 2, derivatives: HALF }),
  'dpm-solver++(2M), lower order final': (_, last) => ({
    prediction: 'clean',
    ...(last ? { order: 1 } : { order: 2, derivatives: HALF }),
  }),
  'dpm-solver(2M)': () => ({ prediction: 'noise', order: 2, derivatives: HALF }),
  'unip-3': () => ({ prediction: 'clean', order: 3 }),
  'unipc-2': (step, last) => ({
    ...{ prediction: 'clean', order: last ? 1 : 2, derivatives: HALF },
    ...(last ? {} : { corrector: step === 0 ? { order: 2, derivatives: HALF } : { order: 3 } }),
  }),
  'unipc-3': (_, last) => ({
    ...{ prediction: 'clean', order: last ? 1 : 3 },
    ...(last ? {} : { corrector: { order: 4 } }),
  }),
};

interface Settings {
  readonly evaluations: number;
  readonly first: Grid['points'][number];
  readonly last: Grid['points'][number];
  readonly schedule: Grid['schedule'];
  readonly sample: Float64Array | undefined;
  readonly population: number;
  readonly generations: number;
  readonly seed: number;
  readonly onProgress: SolverSearchOptions['onProgress'];
}

const OPTIONS: Readonly<Record<keyof SolverSearchOptions, true>> = {
  denoiser: true,
  x: true,
  backend: true,
  signal: true,
  evaluations: true,
  from: true,
  to: true,
  score: true,
  sample: true,
  population: true,
  generations: true,
  seed: true,
  onProgress: true,
};

function checked(options: SolverSearchOptions): Settings {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, from, to, sample, population = 24, generations = 30, seed = 0 } = options;
  checkDenoiser(WHERE, 'denoiser', denoiser);
  const { schedule, dimension } = denoiser;
  const evaluations = checkCount(WHERE, 'evaluations', options.evaluations, { min: 3, max: 1000 });
  const times = `a time in (0, ${schedule.end}]`;
  checkNumber(WHERE, 'from', from, (t) => t > 0 && t <= schedule.end, times);
  checkNumber(WHERE, 'to', to, (t) => t > 0 && t < from, `a time in (0, ${from})`);
  const ends = timeGrid(schedule, { steps: 1, start: from, stop: to });
  checkEnds(WHERE, ends);
  checkCount(WHERE, 'population', population, { min: 2 });
  checkCount(WHERE, 'generations', generations, { min: 0 });
  const score = checkOneOf(WHERE, 'score', options.score ?? 'flow', ['flow', 'energy']);
  if ((score === 'energy') !== (sample !== undefined)) throw needsSample(score);
  if (sample !== undefined && (sample.length % dimension !== 0 || sample.length < 2 * dimension)) {
    const found = `\`sample\` has ${sample.length} numbers`;
    throw new ShapeError({ where: WHERE, found, expected: `at least 2 rows of ${dimension}` });
  }
  // Distances are between rows of the points kept back, of which there must be two.
  if (score === 'energy' && options.x.length < 6 * dimension) {
    const found = `\`x\` has ${options.x.length} numbers`;
    throw new ShapeError({
      where: WHERE,
      found,
      expected: `at least 6 rows of ${dimension} with score: 'energy'`,
    });
  }
  const [first, last] = ends.points as [Settings['first'], Settings['last']];
  return {
    evaluations,
    first,
    last,
    schedule,
    sample,
    population,
    generations,
    seed,
    onProgress: options.onProgress,
  };
}

function needsSample(score: 'flow' | 'energy'): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'sample',
    value: score,
    found: `score '${score}' ${score === 'flow' ? 'and a `sample` are given together' : 'has no `sample`'}`,
    expected: "a sample with score: 'energy', and with no other",
  });
}
