import type { SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import { uniform as uniforms } from '../../../engine/wasm/twins/philox.ts';
import type { OpenChain } from './open-chain.ts';
import type { ChainFields } from './plan.ts';

type Run = SmcRun<ChainFields>;

/**
 * The move into step s by M candidates a particle, of which one goes on: that with the largest
 * lambda r(xhat) / temperature + Gumbel noise, which draws it with probability proportional to
 * exp(lambda r(xhat) / temperature); without the noise, the best. Where a move draws no noise there is one candidate.
 */
export async function pickCandidates(
  chain: OpenChain,
  step: number,
  run: Run,
  lo: number,
  hi: number,
): Promise<void> {
  const { plan, rooms, denoiser, reward } = chain;
  const { dimension: d, steps, method } = plan;
  const { count, pick } = method.candidates!;
  const { time } = plan.chain.points[step]!;
  const { tried, triedClean, value } = rooms;
  const n = hi - lo;
  if (pick === 'softmax') {
    const [k0, k1] = run.rng.key;
    uniforms(rooms.uniforms, count, k0, k1, lo, step, channel(PURPOSE.component), 0, n);
  }
  const many = plan.chain.moves[step - 1]!.noise > 0 ? count : 1;
  for (let m = 0; m < many; m++) {
    propose(chain, step, run, m, lo, n);
    if (step < steps) await denoiser.evaluate(tried, time, n, { clean: triedClean }, step);
    else triedClean.set(tried.subarray(0, n * d));
    if (many > 1) await reward.evaluate(triedClean, n, value);
    keepBetter(chain, run, m, lo, n);
  }
}

/** Candidate m of particles lo..lo+n-1 into `tried`. */
function propose({ plan, rooms }: OpenChain, step: number, run: Run, m: number, lo: number, n: number): void {
  const { dimension: d, chain, method } = plan;
  const { state, clean, noise } = chain.moves[step - 1]!;
  const [from, estimate] = [run.parent('x'), run.parent('clean')];
  const width = d * method.candidates!.count;
  const { normals } = run;
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < d; c++) {
      const at = (lo + i) * d + c;
      const z = normals[(lo + i) * width + m * d + c]!;
      rooms.tried[i * d + c] = state * from[at]! + clean * estimate[at]! + noise * z;
    }
  }
}

function keepBetter({ plan, rooms }: OpenChain, run: Run, m: number, lo: number, n: number): void {
  const { dimension: d, method, inverseTemperature } = plan;
  const { count, pick, temperature } = method.candidates!;
  const [x, clean] = [run.field('x'), run.field('clean')];
  const { tried, triedClean, value, score } = rooms;
  const factor = inverseTemperature / temperature;
  for (let i = 0; i < n; i++) {
    const luck = pick === 'softmax' ? gumbel(rooms.uniforms[i * count + m]!) : 0;
    const own = (factor === 0 ? 0 : factor * value[i]!) + luck;
    if (m > 0 && !(own > score[i]!)) continue;
    score[i] = own;
    for (let c = 0; c < d; c++) {
      x[(lo + i) * d + c] = tried[i * d + c]!;
      clean[(lo + i) * d + c] = triedClean[i * d + c]!;
    }
  }
}

/** The quantile u of the Gumbel law with distribution function exp(-exp(-x)). */
export function gumbel(u: number): number {
  return -log(-log(u));
}

/** Of every `count` rows in lo..hi-1 the first with the largest value keeps a weight. */
export function keepBest(
  value: Float64Array,
  potential: Float64Array,
  count: number,
  lo: number,
  hi: number,
): void {
  for (let first = lo; first < hi; first += count) {
    let best = first;
    for (let i = first + 1; i < first + count; i++) if (value[i]! > value[best]!) best = i;
    potential.fill(-Infinity, first, first + count);
    potential[best] = 0;
  }
}
