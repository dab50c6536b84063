import type { Backend } from '../../engine/backend/backend.ts';
import {
  checkList,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  show,
} from '../../engine/check.ts';
import { type BaseChain, baseChain, checkNoisy } from '../../engine/diffusion/base-chain.ts';
import type { Denoiser, OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { checkDenoiser, describeDenoiser, openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { checkReward, type OpenReward, openReward } from '../../engine/diffusion/open-reward.ts';
import { describeReward, type RewardLike } from '../../engine/diffusion/reward.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { digest } from '../../engine/digest.ts';
import { densityDigest, isDensity } from '../../engine/distribution/density-digest.ts';
import { OptionError } from '../../engine/errors.ts';
import { growing } from '../../engine/model/host-rows.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Stream } from '../../engine/random/rng.ts';
import type { Density } from '../../engine/types.ts';
import type { OpenTreeChain, TreeChainOpening, TreeChainSource } from './open-chain.ts';
import type { TreeStart, TreeStep } from './types.ts';

/*
 * The steps of a diffusion sampler as a chain for trees. Level D - k is point k of the grid; from a state x on one level,
 *
 *   x' = a x + b xhat + s + c z,   xhat = E[x_0 given x],   s = strength kappa J grad r(xhat)
 *   log p - log q = -(|s|^2 / 2 + c s . z) / c^2           of a step that draws noise; others are not shifted
 *
 * | symbol | name here |
 * |---|---|
 * | a, b, c | state, clean, noise of a move |
 * | kappa | c^2 ('variance'), or b sigma^2 / alpha, as if the reward were part of the score ('score') |
 * | J | the Jacobian of xhat, as the tangent of the denoiser gives it |
 *
 * Departs from the paper: a guided step pays for its shift, without which the limit is another law.
 */
const WHERE = 'diffusionChain';

/** How steps are pulled up the gradient of the reward. */
export interface TreeGuidance {
  /** Times the gradient of r: half of the inverse temperature is a careful choice. Default 0.5. */
  readonly strength?: number;
  /** By the variance of the step, or as if the reward were part of the score. Default 'variance'. */
  readonly shift?: 'variance' | 'score';
}

export interface DiffusionChainOptions {
  readonly denoiser: Denoiser;
  /** r, of points at the end; under guidance its gradient at estimates of them, too. */
  readonly reward: RewardLike;
  /** One that evaluates the denoiser once a step, draws noise and keeps nothing of earlier steps. Default `ddpm()`. */
  readonly integrator?: Integrator;
  /** D, even in time from the noisiest time to 0. Default 100. */
  readonly steps?: number;
  /** In place of `steps`. */
  readonly grid?: Grid;
  /** Law of x at the first time. Default normal with mean 0 and the noise of that time. */
  readonly start?: Density;
  /**
   * Levels D..1 at which a tree may branch besides at its root, falling; level l is l steps before the end. Default four fifths,
   * three, two and one fifth of D. None: independent runs.
   */
  readonly branches?: readonly number[];
  /** Default none: trees on the chain as it is, the safe choice where gradients mislead. */
  readonly guidance?: TreeGuidance;
}

interface ChainPlan {
  readonly denoiser: Denoiser;
  readonly reward: RewardLike;
  readonly chain: BaseChain;
  readonly start: Density | undefined;
  readonly guidance: Required<TreeGuidance> | undefined;
}

const OPTIONS: Readonly<Record<keyof DiffusionChainOptions, true>> = {
  denoiser: true,
  reward: true,
  integrator: true,
  steps: true,
  grid: true,
  start: true,
  branches: true,
  guidance: true,
};

/**
 * A diffusion sampler with a reward at its end, for `treeSampler`. A step evaluates the denoiser once; all rows of a call
 * share one evaluation, each at its own time.
 * @throws OptionError for bad options: an integrator that looks back, evaluates twice or draws no noise where the tree
 * branches; branches that do not fall; a grid of another schedule.
 */
export function diffusionChain(options: DiffusionChainOptions): TreeChainSource {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, reward, start } = options;
  checkDenoiser(WHERE, 'denoiser', denoiser);
  checkReward(WHERE, reward, denoiser.dimension);
  checkStart(start, denoiser.dimension);
  const chain = baseChain(WHERE, options);
  const branches = branchesOf(chain, options.branches);
  const plan: ChainPlan = { denoiser, reward, chain, start, guidance: checkGuidance(options.guidance) };
  return {
    dimension: denoiser.dimension,
    steps: chain.moves.length,
    branches,
    gradients: plan.guidance === undefined ? 0 : 1,
    ...fingerprintsOf(plan),
    networks: [denoiser],
    open: (opening) => openChain(plan, opening),
  };
}

function checkStart(start: Density | undefined, d: number): void {
  if (start === undefined || (isDensity(start) && start.dimension === d)) return;
  throw new OptionError({
    where: WHERE,
    option: 'start',
    value: start,
    found: `option \`start\` is ${isDensity(start) ? `of ${start.dimension} dimensions` : show(start)}`,
    expected: `a law of ${d} numbers that can be drawn from, such as multivariateNormal(mean, covariance)`,
  });
}

function checkGuidance(given: TreeGuidance | undefined): ChainPlan['guidance'] {
  if (given === undefined) return undefined;
  checkRecord(WHERE, 'guidance', given, 'a rule such as { strength: 0.5 }');
  checkOptionNames(`${WHERE}.guidance`, given, ['strength', 'shift']);
  const { strength = 0.5, shift = 'variance' } = given;
  checkNumber(WHERE, 'guidance.strength', strength, Number.isFinite, 'a finite number');
  return { strength, shift: checkOneOf(WHERE, 'guidance.shift', shift, ['variance', 'score'] as const) };
}

/** Levels that fall and have noise below them before the next: copies of a state would never part otherwise. */
function branchesOf(chain: BaseChain, given: readonly number[] | undefined): readonly number[] {
  const { moves } = chain;
  const steps = moves.length;
  const noisy = (from: number, to: number): boolean =>
    moves.slice(steps - from, steps - to).some(({ noise }) => noise > 0);
  if (given === undefined) {
    checkNoisy(WHERE, chain, 'children of one state must differ, or have branches: []');
    const fifths = [4, 3, 2, 1].map((k) => Math.round((k * steps) / 5));
    return fifths.filter((level, k) => level < steps && noisy(level, fifths[k + 1] ?? 0));
  }
  checkList(WHERE, 'branches', given, 'a list of levels');
  for (const [k, level] of given.entries()) {
    const below = k === 0 ? steps + 1 : given[k - 1]!;
    if (!(Number.isInteger(level) && level >= 1 && level < below)) throw badBranch(given, k, below);
  }
  const dull = given.findIndex((level, k) => !noisy(level, given[k + 1] ?? 0));
  if (dull < 0) return [...given];
  throw new OptionError({
    where: WHERE,
    option: 'branches',
    value: given,
    found: `from level ${given[dull]} to ${given[dull + 1] ?? 0} no step of ${chain.name} draws noise`,
    expected: 'levels with noise below them: children of one state must differ',
    fix: 'Try integrator: ddpm(), or ddim({ eta: 1 }); or branches: [], for independent runs.',
  });
}

function badBranch(given: readonly number[], k: number, below: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'branches',
    value: given,
    found: `\`branches[${k}]\` is ${show(given[k])}${k === 0 ? '' : ` after ${show(below)}`}`,
    expected: `an integer from 1 to ${below - 1}, falling: level l is l steps before the end`,
  });
}

/** Guidance is no part of the law, as a guided step pays for its shift. */
function fingerprintsOf({
  denoiser,
  reward,
  chain,
  start,
  guidance,
}: ChainPlan): Pick<TreeChainSource, 'fingerprint' | 'law'> {
  const law = digest(
    JSON.stringify([
      describeDenoiser(denoiser),
      [chain.name, chain.points, chain.moves],
      start === undefined ? null : densityDigest(start),
    ]),
  );
  return { law, fingerprint: digest(JSON.stringify([law, describeReward(reward), guidance ?? null])) };
}

/** A chain in use: a denoiser, a reward, and room for the rows of a call. */
interface Rows {
  readonly plan: ChainPlan;
  readonly denoiser: OpenDenoiser;
  readonly reward: OpenReward;
  readonly room: ReturnType<typeof growing>;
  readonly backend: Backend;
}

async function openChain(plan: ChainPlan, { backend, signal }: TreeChainOpening): Promise<OpenTreeChain> {
  const { dimension } = plan.denoiser;
  const reward = await openReward({
    ...{ where: WHERE, reward: plan.reward, dimension, planned: 1, backend, signal },
  });
  const denoiser = await orRelease(
    async () => openDenoiser({ where: WHERE, denoiser: plan.denoiser, backend, signal }),
    () => reward.dispose(),
  );
  const rows: Rows = { plan, denoiser, reward, room: growing(backend), backend };
  return {
    init: (start) => begin(rows, start),
    step: (step) => move(rows, step),
    reward: (x, out) => value(rows, x, out),
    dispose() {
      denoiser.dispose();
      reward.dispose();
      rows.room.release();
    },
  };
}

/** Noise, or draws of the law given for it. */
async function begin(rows: Rows, { x, streams }: TreeStart): Promise<void> {
  const { plan, room, backend } = rows;
  const { chain, start, denoiser } = plan;
  const { dimension: d } = denoiser;
  const { noise } = chain.points[0]!;
  // As large as steps need it.
  const all = room.room(streams.length * widthOf(rows));
  const normals = all.subarray(0, start === undefined ? streams.length * d : 0);
  for (const [i, stream] of streams.entries())
    if (start === undefined) await normalsOf(backend, stream, normals.subarray(i * d, (i + 1) * d));
    else for (let at = i * d; at < (i + 1) * d; at++) x[at] = stream.uniform();
  for (let at = 0; at < normals.length; at++) x[at] = noise * normals[at]!;
  start?.transport(x, x);
}

async function move(rows: Rows, step: TreeStep): Promise<void> {
  const { plan, denoiser, room } = rows;
  const { moves, points } = plan.chain;
  const { x: from, level, next, streams } = step;
  const { dimension: d } = denoiser;
  const n = streams.length;
  const all = room.room(n * widthOf(rows));
  const [clean, normals] = [all.subarray(0, n * d), all.subarray(n * d, 2 * n * d)];
  const time = all.subarray(2 * n * d, n * (2 * d + 1));
  const x = placed(rows, from.subarray(0, n * d), all.subarray(n * (2 * d + 1)));
  for (let i = 0; i < n; i++) time[i] = points[moves.length - level[i]!]!.time;
  await denoiser.evaluate(x, time, n, { clean });
  const spare = all.subarray(all.length - n * (d + 1));
  const shift = all.subarray(all.length - n * (2 * d + 1), all.length - n * (d + 1));
  await drawNormals(rows, step, normals);
  if (plan.guidance !== undefined) await pull(rows, step, { x, clean, time, shift, spare });
  for (let i = 0; i < n; i++) {
    const own = moves[moves.length - level[i]!]!;
    const { noise } = own;
    moveRow(own, x, clean, normals, i * d, (i + 1) * d, next);
    if (plan.guidance === undefined || noise === 0) continue;
    let paid = 0;
    for (let at = i * d; at < (i + 1) * d; at++) {
      next[at] = next[at]! + shift[at]!;
      paid += shift[at]! * (shift[at]! / 2 + noise * normals[at]!);
    }
    step.edge[i] = step.edge[i]! - paid / (noise * noise);
  }
}

/** Numbers a row takes in the room: xhat, z and the time; a copy of x for kernels; the shift, and d + 1 spare ones. */
function widthOf({ plan, denoiser }: Rows): number {
  const { dimension: d, source } = denoiser;
  return 2 * d + 1 + (source.kernels === undefined ? 0 : d) + (plan.guidance === undefined ? 0 : 2 * d + 1);
}

/** x where kernels reach it, if there are any. */
function placed({ denoiser }: Rows, x: Float64Array, room: Float64Array): Float64Array {
  if (denoiser.source.kernels === undefined) return x;
  const copy = room.subarray(0, x.length);
  copy.set(x);
  return copy;
}

/** a x + b xhat + c z: apart from what waits, so that it is compiled well. */
function moveRow(
  { state, clean: b, noise }: BaseChain['moves'][number],
  x: Float64Array,
  clean: Float64Array,
  normals: Float64Array,
  from: number,
  to: number,
  next: Float64Array,
): void {
  for (let at = from; at < to; at++) next[at] = state * x[at]! + b * clean[at]! + noise * normals[at]!;
}

/** Numbers of a state from which on a kernel draws them faster than a stream. */
const MANY = 16;

/** z of each row into `out` [n, d]; 0 where a step draws none. */
async function drawNormals(
  { plan, backend }: Rows,
  { level, streams }: TreeStep,
  out: Float64Array,
): Promise<void> {
  const { moves } = plan.chain;
  const { dimension: d } = plan.denoiser;
  for (const [i, stream] of streams.entries()) {
    const own = out.subarray(i * d, (i + 1) * d);
    if (moves[moves.length - level[i]!]!.noise === 0) own.fill(0);
    else await normalsOf(backend, stream, own);
  }
}

/** The next normals of a stream: the same by a kernel. */
function normalsOf(backend: Backend, stream: Stream, out: Float64Array): void | Promise<void> {
  const { origin } = stream;
  if (out.length < MANY || origin === undefined) {
    for (let c = 0; c < out.length; c++) out[c] = stream.normal();
    return;
  }
  const { key, channel, step, particle } = origin;
  return backend.dispatch('normal', [out, out.length, ...key, particle, step, channel], 1);
}

/** [n, d], but `time` [n] and `spare` [n, d + 1]. */
interface Pulled {
  readonly x: Float64Array;
  readonly clean: Float64Array;
  readonly time: Float64Array;
  readonly shift: Float64Array;
  readonly spare: Float64Array;
}

/** s into `shift`. */
async function pull({ plan, denoiser, reward }: Rows, { level }: TreeStep, rows: Pulled): Promise<void> {
  const { x, clean, time, shift, spare } = rows;
  const { moves } = plan.chain;
  const { strength, shift: kind } = plan.guidance!;
  const { dimension: d } = denoiser;
  const n = time.length;
  const gradient = spare.subarray(0, n * d);
  await reward.evaluate(clean, n, spare.subarray(n * d), gradient);
  await denoiser.cleanTangent(x, time, n, gradient, shift);
  for (let i = 0; i < n; i++) {
    const { noise, pull: ofScore } = moves[moves.length - level[i]!]!;
    const factor = strength * (kind === 'score' ? ofScore : noise * noise);
    for (let at = i * d; at < (i + 1) * d; at++) shift[at] = factor * shift[at]!;
  }
}

async function value({ reward, room }: Rows, x: Float64Array, out: Float64Array): Promise<void> {
  const points = room.room(x.length + out.length);
  points.set(x);
  const found = points.subarray(x.length);
  await reward.evaluate(points, out.length, found);
  out.set(found);
}
