import type { Arena } from '../../engine/array/arena.ts';
import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { digest } from '../../engine/digest.ts';
import { ValueError } from '../../engine/errors.ts';
import { type GammaQuantile, gammaQuantile } from '../../engine/math/gamma-quantile.ts';
import { gammaLower, gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { type LogDensity, openLogDensity } from '../../engine/model/log-density.ts';
import { orRelease } from '../../engine/or-release.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context, Ending, Info, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import { makeTurn, type Turn } from '../../engine/turn.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { langevinStep, logProposalRatio } from './chain.ts';
import { coordinateMeans, most } from './chain-summary.ts';
import { describeLevels } from './diagnostics.ts';
import { DENSITY_WHERE, type NoisedDensityPlan, type NoisedDensityResult } from './noised-density.ts';
import { lengths } from './warnings.ts';

/*
 * A run of chains over (x_0, x, sigma), cycle by cycle; what they do is told in `noised-density-mcmc`.
 */

/** A run between two cycles. */
export interface NoisedDensityState {
  readonly key: readonly [number, number];
  readonly density: LogDensity;
  readonly arena: Arena;
  readonly turn: Turn;
  readonly clean: Float64Array;
  readonly level: Float64Array;
  readonly logDensity: Float64Array;
  readonly gradient: Float64Array;
  readonly work: Readonly<
    Record<'noised' | 'normals' | 'score' | 'proposed' | 'candidate' | 'slope', Float64Array>
  >;
  readonly candidateDensity: Float64Array;
  readonly uniforms: Float64Array;
  readonly quantile: GammaQuantile;
  readonly points: Float64Array;
  readonly history: Uint32Array;
  cycle: number;
  stepSize: number;
  /** Moves of either kind that were taken after warm-up. */
  taken: [number, number];
}

/** Warm-up and all that is kept. */
export const lastCycle = ({ warmup, kept, skip }: NoisedDensityPlan): number => warmup + kept * skip;

/** Room for chains, nowhere yet. */
export async function open(
  plan: NoisedDensityPlan,
  ctx: Context,
  evaluations: number,
): Promise<NoisedDensityState> {
  const { chains: n, d, kept, skip, logDensity: source } = plan;
  const { backend, signal, rng } = ctx;
  const planned = 2 * n * lastCycle(plan);
  const density = await openLogDensity(
    { where: DENSITY_WHERE, source, dimension: d, planned, backend, signal },
    evaluations,
  );
  const arena = backend.arena();
  const each = (): Float64Array => arena.f64(n * d);
  return {
    ...{ key: rng.key, density, arena, turn: makeTurn(), quantile: gammaQuantile(d / 2) },
    ...{ clean: each(), level: arena.f64(n), logDensity: arena.f64(n), gradient: each() },
    work: {
      ...{
        noised: each(),
        normals: each(),
        score: each(),
        proposed: each(),
        candidate: each(),
        slope: each(),
      },
    },
    ...{ candidateDensity: arena.f64(n), uniforms: arena.f64(n) },
    points: new Float64Array(kept * n * d),
    history: new Uint32Array(n * kept * skip),
    ...{ cycle: 0, stepSize: plan.stepSize, taken: [0, 0] },
  };
}

/** Chains where they start, with levels. */
export async function begin(plan: NoisedDensityPlan, ctx: Context): Promise<Step<NoisedDensityState>> {
  const state = await open(plan, ctx, 0);
  return orRelease(
    async () => {
      const { chains: n, d, low, high } = plan;
      const { clean, level, logDensity, gradient } = state;
      clean.set(plan.start);
      await state.density.evaluate(clean, n, logDensity, gradient);
      const dead = logDensity.indexOf(-Infinity);
      if (dead >= 0) throw noDensity(clean.slice(dead * d, (dead + 1) * d), dead);
      await ctx.backend.dispatch('uniform', [level, 1, ...ctx.rng.key, 0, 0, channel(PURPOSE.noiseLevel)], n);
      for (let i = 0; i < n; i++) level[i] = low * (high / low) ** level[i]!;
      return report(plan, state);
    },
    () => release(state),
  );
}

function noDensity(point: Float64Array, index: number): ValueError {
  return new ValueError({
    where: DENSITY_WHERE,
    found: `\`logDensity\` is -Infinity where chain ${index} begins`,
    expected: 'a start of positive density',
    fix: 'See error.point.',
    point,
    index,
  });
}

/** One cycle. */
export async function advance(
  plan: NoisedDensityPlan,
  state: NoisedDensityState,
  { rng, backend, signal }: Context,
): Promise<void> {
  const { chains: n, d, warmup, skip } = plan;
  const { work, uniforms, clean, level, turn } = state;
  const cycle = state.cycle + 1;
  const at = [...rng.key, plan.first, cycle] as const;
  const normals = (sub: number) =>
    backend.dispatch('normal', [work.normals, d, ...at, channel(PURPOSE.langevin, sub)], n);
  const uniform = (purpose: number, sub: number) =>
    backend.dispatch('uniform', [uniforms, 1, ...at, channel(purpose, sub)], n);
  await normals(0);
  await uniform(PURPOSE.noiseLevel, 0);
  addNoise(plan, state);
  if (turn.due()) await turn.pause(signal);
  await normals(1);
  await uniform(PURPOSE.acceptance, 0);
  const langevin = await moveClean(plan, state);
  await normals(2);
  await uniform(PURPOSE.acceptance, 1);
  const fresh = await takeFresh(plan, state);
  state.cycle = cycle;
  if (cycle <= warmup) {
    state.stepSize *= Math.exp((langevin / n - TARGET) * cycle ** -0.6);
    return;
  }
  state.taken = [state.taken[0] + langevin, state.taken[1] + fresh];
  const since = cycle - warmup;
  for (let i = 0; i < n; i++) state.history[(since - 1) * n + i] = partOf(plan, level[i]!);
  if (since % skip === 0) state.points.set(clean, (since / skip - 1) * n * d);
}

/** Acceptance that warm-up aims at. */
const TARGET = 0.7;

/** Parts of log sigma whose shares are counted. */
const PARTS = 64;

function partOf({ low, high }: NoisedDensityPlan, level: number): number {
  const share = Math.log(level / low) / Math.log(high / low);
  return Math.max(0, Math.min(PARTS - 1, Math.floor(PARTS * share)));
}

/** x given x_0 and sigma, then sigma given both. */
function addNoise({ chains: n, d, low, high }: NoisedDensityPlan, state: NoisedDensityState): void {
  const { clean, level, uniforms, quantile } = state;
  const { noised, normals } = state.work;
  for (let i = 0; i < n; i++) {
    let half = 0;
    for (let c = i * d; c < (i + 1) * d; c++) {
      const step = level[i]! * normals[c]!;
      noised[c] = clean[c]! + step;
      half += 0.5 * step * step;
    }
    level[i] = cutLevel(quantile, d / 2, half, low, high, uniforms[i]!);
  }
}

/**
 * sigma with half / sigma^2 of the gamma law of shape `shape`, cut to [low, high]: u = 0 is the largest sigma.
 * Both tails are kept, so that a cut far out in one loses no digits.
 */
export function cutLevel(
  quantile: GammaQuantile,
  shape: number,
  half: number,
  low: number,
  high: number,
  u: number,
): number {
  const [least, largest] = [half / (high * high), half / (low * low)];
  const [p0, p1] = [gammaLower(shape, least), gammaLower(shape, largest)];
  const [q0, q1] = [gammaUpper(shape, least), gammaUpper(shape, largest)];
  const y = quantile(p0 + u * (p1 - p0), q1 + (1 - u) * (q0 - q1));
  return Math.min(high, Math.max(low, Math.sqrt(half / y)));
}

/** MALA of x_0 given x and sigma. Returns how many were taken. */
async function moveClean(plan: NoisedDensityPlan, state: NoisedDensityState): Promise<number> {
  const { chains: n, d, variance } = plan;
  const { clean, level, logDensity, gradient, candidateDensity, uniforms } = state;
  const { noised, normals, score, proposed, candidate, slope } = state.work;
  const stepOf = (i: number): number => state.stepSize / (1 / variance + 1 / level[i]! ** 2);
  for (let i = 0; i < n; i++) {
    for (let c = i * d; c < (i + 1) * d; c++)
      score[c] = gradient[c]! + (noised[c]! - clean[c]!) / level[i]! ** 2;
    langevinStep(stepOf(i), clean, score, normals, i * d, d, candidate);
  }
  await state.density.evaluate(candidate, n, candidateDensity, slope);
  let taken = 0;
  for (let i = 0; i < n; i++) {
    if (candidateDensity[i] === -Infinity) continue;
    let gap = 0;
    for (let c = i * d; c < (i + 1) * d; c++) {
      const own = noised[c]! - candidate[c]!;
      proposed[c] = slope[c]! + own / level[i]! ** 2;
      gap += (noised[c]! - clean[c]!) ** 2 - own * own;
    }
    const ratio = logProposalRatio(stepOf(i), clean, score, candidate, proposed, i * d, d);
    const change = candidateDensity[i]! - logDensity[i]! + gap / (2 * level[i]! ** 2) + ratio;
    if (!(log(uniforms[i]!) < change)) continue;
    taken++;
    takeRow(state, i, d);
  }
  return taken;
}

/** A fresh x_0 around x: proposed by its law but for pi. */
async function takeFresh({ chains: n, d }: NoisedDensityPlan, state: NoisedDensityState): Promise<number> {
  const { level, logDensity, candidateDensity, uniforms } = state;
  const { noised, normals, candidate, slope } = state.work;
  for (let i = 0; i < n; i++)
    for (let c = i * d; c < (i + 1) * d; c++) candidate[c] = noised[c]! + level[i]! * normals[c]!;
  await state.density.evaluate(candidate, n, candidateDensity, slope);
  let taken = 0;
  for (let i = 0; i < n; i++) {
    if (!(log(uniforms[i]!) < candidateDensity[i]! - logDensity[i]!)) continue;
    taken++;
    takeRow(state, i, d);
  }
  return taken;
}

function takeRow(state: NoisedDensityState, i: number, d: number): void {
  const { candidate, slope } = state.work;
  state.logDensity[i] = state.candidateDensity[i]!;
  for (let c = i * d; c < (i + 1) * d; c++) {
    state.clean[c] = candidate[c]!;
    state.gradient[c] = slope[c]!;
  }
}

/** The state as a step of the runner. */
export function report(plan: NoisedDensityPlan, state: NoisedDensityState): Step<NoisedDensityState> {
  return { state, done: state.cycle >= lastCycle(plan), info: infoOf(plan, state) };
}

const sweepsOf = ({ warmup, skip }: NoisedDensityPlan, { cycle }: NoisedDensityState): number =>
  Math.floor(Math.max(0, cycle - warmup) / skip);

/** Progress in cycles. */
export function infoOf(plan: NoisedDensityPlan, state: NoisedDensityState): Info {
  const ess = plan.chains * sweepsOf(plan, state);
  const { evaluations } = state.density;
  return { ess, evaluations, warnings: [], done: state.cycle, total: lastCycle(plan) };
}

/** What the chains tell so far. */
export function answer(
  plan: NoisedDensityPlan,
  state: NoisedDensityState,
  { outcome, provenance }: Ending,
): NoisedDensityResult {
  const { chains: n, d, skip, warmup, low, high } = plan;
  const cycles = Math.max(0, state.cycle - warmup);
  const sweeps = sweepsOf(plan, state);
  const points = state.points.slice(0, sweeps * n * d);
  const { estimate, of } = coordinateMeans(points, n, d);
  const levels = Float64Array.from({ length: PARTS }, (_, b) => low * (high / low) ** ((b + 0.5) / PARTS));
  const prior = new Float64Array(PARTS).fill(1 / PARTS);
  const own = describeLevels(levels, prior, state.history.subarray(0, cycles * n), n);
  const info = infoOf(plan, state);
  const ess = of.reduce(
    (least, { ess: each }) => (Number.isNaN(each) ? least : Math.min(each, least)),
    info.ess,
  );
  const chain = {
    ...own,
    acceptance: { langevin: state.taken[0] / (cycles * n), fresh: state.taken[1] / (cycles * n) },
    longestMemory: most([own.memory, ...of.map(({ time }) => time * skip)]),
    worstRHat: most([own.rHat, ...of.map(({ rHat }) => rHat)]),
    stepSize: state.stepSize,
    cycles,
    essPerEvaluation: ess / info.evaluations,
  };
  return {
    estimate,
    sample: { points, shape: [sweeps * n, d], logWeight: new Float64Array(sweeps * n) },
    chain,
    outcome,
    diagnostics: { ...info, ess, warnings: lengths(chain) },
    provenance,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly cycle: number;
  readonly stepSize: number;
  readonly taken: [number, number];
}

/** What must agree between runs. */
export function fingerprintOf({ logDensity: _, first: __, start, ...plan }: NoisedDensityPlan): string {
  return digest(JSON.stringify([DENSITY_WHERE, plan, [...start]]));
}

/** A run as bytes. */
export function saved(plan: NoisedDensityPlan, state: NoisedDensityState): Uint8Array {
  const { key, density, cycle, stepSize, taken, clean, level, logDensity, gradient, points, history } = state;
  const { evaluations } = density;
  const header: Saved = { plan: fingerprintOf(plan), key, evaluations, cycle, stepSize, taken };
  return encodeState(header, { clean, level, logDensity, gradient, points, history });
}

/** A run from its bytes. */
export async function goOn(
  plan: NoisedDensityPlan,
  bytes: Uint8Array,
  ctx: Context,
): Promise<Step<NoisedDensityState>> {
  const { header, arrays } = decodeState(bytes);
  const found = header as Saved | null;
  const own = { plan: fingerprintOf(plan), key: ctx.rng.key };
  checkSavedRun(DENSITY_WHERE, found, own, 'another start or other options');
  const state = await open(plan, ctx, found.evaluations);
  const { cycle, stepSize, taken } = found;
  Object.assign(state, { cycle, stepSize, taken });
  for (const name of ['clean', 'level', 'logDensity', 'gradient', 'points', 'history'] as const)
    state[name].set(arrays[name]!);
  return report(plan, state);
}

/** Give memory back. */
export function release({ density, arena }: NoisedDensityState): void {
  arena.release();
  density.dispose();
}
