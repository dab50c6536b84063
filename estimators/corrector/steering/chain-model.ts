import { ess } from '../../../engine/particles/log-weight.ts';
import type { FeynmanKac, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import { uniform as uniforms } from '../../../engine/wasm/twins/philox.ts';
import { keepBest, pickCandidates } from './candidates.ts';
import type { OpenChain } from './open-chain.ts';
import { type ChainFields, noiseOf } from './plan.ts';
import { firstMemory, logPotential, MEMORY, publicPotential } from './potentials.ts';

/*
 * One step of a chain under a reward, for a particle at x_(s-1) with its estimate xhat:
 *
 *   x_s = a x + b xhat + D + c z                                       D the pull of the reward, 0 without guidance
 *   xhat_s = E[x_0 given x_s],   r_s = gamma_s lambda r(xhat_s)        at the end lambda r(x_N)
 *   D_(s+1) = kappa gamma_(s+1) lambda J grad r(xhat_s)                J the Jacobian of the estimate
 *   log G_s = potential(r_s; history) - (|D|^2 / 2 + c D . z) / c^2    the last term is log p - log q of the move
 *
 * kappa is b sigma^2 / alpha ('score': the reward counts as a part of the score) or c^2 ('variance'), and D is 0 where
 * a move draws no noise. J is applied as `tangent` gives it: exact Jacobians of a denoiser are symmetric, and a network's
 * `tangent` may as well be its vector-Jacobian product.
 */

type Run = SmcRun<ChainFields>;

interface SavedModel {
  readonly counted: boolean;
  readonly dropped: number;
}

/** The chain as a Feynman-Kac model of run `index`. */
export function chainModel(chain: OpenChain, index: number): FeynmanKac<ChainFields> {
  const { plan, rooms, counted, dropped } = chain;
  const { method, dimension: d, steps, fields } = plan;
  const { candidates, compat } = method;
  const perStep = candidates !== undefined && candidates.pick !== 'at-end';
  const group = candidates?.pick === 'at-end' ? candidates.count : 1;
  return {
    fields,
    steps: steps + 1,
    noise: noiseOf(method, d),
    block: group * Math.max(1, Math.floor(8192 / group)),
    async init(run, lo, hi) {
      begin(chain, run, lo, hi);
      await arrive(chain, 0, run, lo, hi);
    },
    async mutate(step, run, lo, hi) {
      if (perStep) await pickCandidates(chain, step, run, lo, hi);
      else {
        move(chain, step, run, lo, hi);
        await arrive(chain, step, run, lo, hi);
      }
      if (step === steps && group > 1) keepBest(rooms.value, rooms.potential, group, lo, hi);
    },
    logPotential(_, __, out, lo, hi) {
      out.set(rooms.potential.subarray(lo, hi), lo);
    },
    ...(compat?.adaptive ? { aim: (step: number) => forget(chain, index, step) } : {}),
    evaluations: () => (index === 0 ? chain.denoiser.evaluations : 0),
    snapshot: (): SavedModel => ({ counted: counted[index]!, dropped: dropped[index]! }),
    restore(saved) {
      // Written by `snapshot`.
      const before = saved as SavedModel;
      counted[index] = before.counted;
      dropped[index] = before.dropped;
    },
  };
}

/** The start of the chain: noise, or a draw of the law given for it. */
function begin({ plan, rooms }: OpenChain, run: Run, lo: number, hi: number): void {
  const { dimension: d, start, chain, method, fields } = plan;
  const x = run.field('x');
  rooms.ratio.fill(0, lo, hi);
  if ('memory' in fields) {
    const first = firstMemory(method.potential, method.compat !== undefined);
    const memory = run.field('memory');
    for (let i = lo; i < hi; i++) memory.set(first, i * MEMORY);
  }
  if (start !== undefined) {
    const rows = x.subarray(lo * d, hi * d);
    const [k0, k1] = run.rng.key;
    uniforms(rows, d, k0, k1, lo, 0, channel(PURPOSE.init), 0, hi - lo);
    start.transport(rows, rows);
    return;
  }
  const { noise } = chain.points[0]!;
  const width = noiseOf(method, d);
  const { normals } = run;
  for (let i = lo; i < hi; i++) for (let c = 0; c < d; c++) x[i * d + c] = noise * normals[i * width + c]!;
}

/** The move into a step, with log p - log q of its pull; what potentials remember comes along. */
function move({ plan, rooms }: OpenChain, step: number, run: Run, lo: number, hi: number): void {
  const { dimension: d, chain, fields } = plan;
  const { state, clean, noise } = chain.moves[step - 1]!;
  const [x, from, estimate] = [run.field('x'), run.parent('x'), run.parent('clean')];
  const { normals } = run;
  for (let at = lo * d; at < hi * d; at++)
    x[at] = state * from[at]! + clean * estimate[at]! + noise * normals[at]!;
  if ('memory' in fields) {
    const memory = run.parent('memory').subarray(lo * MEMORY, hi * MEMORY);
    run.field('memory').set(memory, lo * MEMORY);
  }
  if (!('shift' in fields)) return;
  const shift = run.parent('shift');
  for (let i = lo; i < hi; i++) {
    let sum = 0;
    for (let at = i * d; at < (i + 1) * d; at++) {
      const pull = shift[at]!;
      x[at] = x[at]! + pull;
      sum += pull * (pull / 2 + noise * normals[at]!);
    }
    rooms.ratio[i] = noise > 0 ? -sum / (noise * noise) : 0;
  }
}

/** Everything that is asked of particles at a step: estimate, reward, pull and potential. */
async function arrive(chain: OpenChain, step: number, run: Run, lo: number, hi: number): Promise<void> {
  const { plan, denoiser, reward, rooms } = chain;
  const { dimension: d, steps, method, inverseTemperature } = plan;
  const { points, moves } = plan.chain;
  const n = hi - lo;
  const rows = (array: Float64Array): Float64Array => array.subarray(lo * d, hi * d);
  const [x, clean] = [rows(run.field('x')), rows(run.field('clean'))];
  if (step === steps) clean.set(x);
  else await denoiser.evaluate(x, points[step]!.time, n, { clean }, step);
  const guided = method.shift !== undefined && step < steps && moves[step]!.noise > 0;
  if (method.looks(step) || guided) {
    const value = rooms.value.subarray(lo, hi);
    await reward.evaluate(clean, n, value, guided ? rows(rooms.gradient) : undefined);
    const factor = inverseTemperature * method.twist(step);
    // A factor 0 leaves nothing even of -Infinity.
    for (let i = 0; i < n; i++) value[i] = factor === 0 ? 0 : factor * value[i]!;
  }
  if (method.shift !== undefined) {
    const shift = rows(run.field('shift'));
    if (guided) await pull(chain, step, x, rows(rooms.gradient), shift);
    else shift.fill(0);
  }
  weigh(chain, step, run, lo, hi);
}

/** D of the next move into `shift` [n, d]. */
async function pull(
  chain: OpenChain,
  step: number,
  x: Float64Array,
  gradient: Float64Array,
  shift: Float64Array,
): Promise<void> {
  const { method, inverseTemperature, dimension: d } = chain.plan;
  const { points, moves } = chain.plan.chain;
  const { noise, pull: ofScore } = moves[step]!;
  const kappa = method.shift === 'score' ? ofScore : noise * noise;
  const factor = kappa * method.twist(step + 1) * inverseTemperature;
  if (factor === 0) {
    shift.fill(0);
    return;
  }
  const n = x.length / d;
  await chain.denoiser.cleanTangent(x, points[step]!.time, n, gradient, shift);
  chain.tangents += n;
  for (let at = 0; at < shift.length; at++) shift[at] = factor * shift[at]!;
}

function weigh(chain: OpenChain, step: number, run: Run, lo: number, hi: number): void {
  const { method, steps } = chain.plan;
  const { potential: kind, compat } = method;
  const { potential, value, ratio } = chain.rooms;
  if (kind === 'none') {
    potential.fill(0, lo, hi);
    return;
  }
  const looks = method.looks(step);
  const memory = run.field('memory');
  const counted = compat?.adaptive !== true || chain.counted[run.index]!;
  for (let i = lo; i < hi; i++) {
    const row = i * MEMORY;
    let g = 0;
    if (looks && compat === undefined) g = logPotential(kind, value[i]!, step === steps, memory, row);
    else if (looks) g = publicPotential(kind, value[i]!, step === steps, counted, memory, row);
    potential[i] = g + ratio[i]!;
  }
}

/** The public code forgets the weights of a step at which half of the particles count, or none does. */
function forget({ rooms, plan, counted, dropped }: OpenChain, index: number, step: number): void {
  if (!plan.method.looks(step)) return;
  const { potential } = rooms;
  const left = ess(potential);
  counted[index] = left > 0 && left < 0.5 * potential.length;
  if (counted[index]) return;
  if (potential.some((g) => g !== potential[0])) dropped[index] = dropped[index]! + 1;
  potential.fill(0);
}
