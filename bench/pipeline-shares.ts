/** The methods of `pipeline`, and what of their time goes where. */
import { ok } from 'node:assert';
import {
  type Backend,
  bestOf,
  correct,
  corrector,
  ddpm,
  denoisingMcmc,
  diffusionChain,
  guide,
  linearReward,
  type OnnxDenoiser,
  type Result,
  reverseDiffusion,
  run,
  type Sampler,
  scheduler,
  steering,
  treeSampler,
  twisted,
} from '../estimators/index.ts';

/** A network whose runs are timed. */
export interface Timed {
  readonly denoiser: OnnxDenoiser;
  /** Milliseconds in the network so far, and those of processors meanwhile. */
  spent(): number;
  worked(): number;
}

/** Milliseconds of all processors since. */
export function processorTime(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

export interface Share {
  readonly method: string;
  readonly place: string;
  /** Milliseconds outside and inside of the network, the least of several runs each. */
  readonly outside: number;
  readonly inside: number;
  /** The same of the processors' time: what compilers and collectors of garbage do beside counts as well. */
  readonly work: number;
  readonly workInside: number;
}

type Method = (backend: Backend) => Promise<unknown>;

/** What is run on it, all with `n` rows at once. */
export function methods(denoiser: OnnxDenoiser, steps: number, n: number): Readonly<Record<string, Method>> {
  const reward = linearReward(Array.from({ length: denoiser.dimension }, (_, i) => (i === 0 ? 1 : 0)));
  const chain = { denoiser, reward, steps, particles: n };
  // Samplers with states of their own, which nobody looks at.
  const samplers = {
    'plain sampling': reverseDiffusion({ denoiser, steps, particles: n }),
    'FKC, guided': corrector({ target: guide(denoiser, denoiser, 1.5), steps, particles: n }),
    'FK steering': steering(chain),
    'best of 4': bestOf({ ...chain, particles: n / 4, candidates: 4 }),
    TDS: twisted(chain),
    [`DTS, ${n} at once`]: treeSampler({
      ...{ chain: diffusionChain({ denoiser, reward, steps }), iterations: 2 * n, batch: n },
    }),
    DLG: denoisingMcmc({
      ...{ denoiser, levelLaw: 'heat-equation', mode: 'unadjusted', levels: [0.1, 0.3, 1, 3] },
      ...{ chains: n, kept: 1, warmup: 1, skip: 1, denoiseSteps: steps },
    }),
  } as unknown as Readonly<Record<string, Sampler<unknown, Result>>>;
  const runs = Object.entries(samplers).map(([name, sampler]): [string, Method] => [
    name,
    (backend) => run(sampler, { seed: 7, backend }),
  ]);
  return {
    ...Object.fromEntries(runs),
    'scheduler, weighed': (backend) => ownLoop(denoiser, steps, n, backend),
  };
}

/** The loop of somebody else: steps of the scheduler, weights by the first number of E[x_0]. */
async function ownLoop(
  denoiser: OnnxDenoiser,
  steps: number,
  n: number,
  backend: Backend,
): Promise<Float64Array> {
  const { dimension: d, schedule } = denoiser;
  const own = {
    schedule,
    dimension: d,
    particles: n,
    prediction: 'clean',
    integrator: ddpm(),
    backend,
  } as const;
  const loop = scheduler(own);
  const weights = correct({ particles: n, backend });
  loop.setTimesteps(steps);
  let x = await loop.start();
  const out = new Float64Array(n * d);
  for (const [k, t] of loop.timesteps.entries()) {
    await denoiser.predict(x, loop.times[k]!, out);
    const { previous, clean } = await loop.step(out, t, x);
    x = previous;
    const reward = Float64Array.from({ length: n }, (_, i) => clean[i * d]!);
    const { resampled, ancestor } = await weights.weighReward(reward, [x], k === steps - 1);
    if (resampled) loop.gather(ancestor);
  }
  loop.release();
  return x;
}

export async function shares(
  all: Readonly<Record<string, Method>>,
  { spent, worked }: Timed,
  repeat: number,
  backend: Backend,
): Promise<Omit<Share, 'place'>[]> {
  const found: Omit<Share, 'place'>[] = [];
  for (const [method, go] of Object.entries(all)) {
    let [outside, inside, work, workInside] = [Infinity, Infinity, Infinity, Infinity];
    // The first ones compile, which takes more than the rest of a run.
    for (let again = 0; again <= repeat; again++) {
      const [before, start, used, busy] = [spent(), performance.now(), process.cpuUsage(), worked()];
      await go(backend);
      const [own, ownWork] = [spent() - before, worked() - busy];
      work = Math.min(work, processorTime(used) - ownWork);
      workInside = Math.min(workInside, ownWork);
      outside = Math.min(outside, performance.now() - start - own);
      inside = Math.min(inside, own);
    }
    ok(outside >= 0 && inside > 0, `${method}: times`);
    found.push({ method, outside, inside, work, workInside });
  }
  return found;
}
