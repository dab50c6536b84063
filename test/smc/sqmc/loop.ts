import { type Backend, jsBackend } from '../../../engine/index.ts';
import type { NoiseSource, Selection } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { bootstrap } from '../../../estimators/smc/filter/bootstrap.ts';
import { quasiRandom } from '../../../estimators/smc/sqmc/quasi-random.ts';
import type { StateFields } from '../../../estimators/smc/state-space.ts';
import { linearCase, modelOf } from '../models/reference-models.ts';

export interface Series {
  /** 'lg1' or 'lg5', and how many of its observations. */
  readonly name: string;
  readonly steps: number;
  readonly particles: number;
  readonly runs: number;
  readonly seed: number;
  readonly backend?: Backend;
}

export interface Hooks {
  readonly select: Selection<StateFields>;
  readonly noise: NoiseSource;
}

/** What the runs of a bootstrap filter found, with the exact answers taken off. */
export interface Errors {
  /** [R] log Z - log p(y_0..y_t) */
  readonly logNormalizer: Float64Array;
  /** [R] first coordinate of the last filtered mean. */
  readonly mean: Float64Array;
}

/** Quasi-random filters, or random ones, of a linear Gaussian series. `change` may replace the hooks. */
export async function errorsOf(
  series: Series,
  kind: 'quasi-random' | 'random',
  change: (hooks: Hooks) => Hooks = (hooks) => hooks,
): Promise<Errors> {
  const { steps, particles, runs, seed, backend = jsBackend() } = series;
  const one = linearCase(series.name);
  // Without kernels: those draw their own normals.
  const { kernels: _, ...model } = modelOf(one);
  const d = model.dimension;
  const observations = one.y.slice(0, steps).map((y) => Float64Array.from([y].flat()));
  const root = rngFromSeed(seed);
  const points =
    kind === 'random'
      ? undefined
      : await quasiRandom<StateFields>({ backend, particles, noise: d, field: 'x', dimension: d });
  const smc = makeSmc({
    where: 'test',
    backend,
    model: bootstrap(model, observations),
    rngs: Array.from({ length: runs }, (_, r) => root.child(0, r)),
    particles,
    threshold: 1,
    ...(points === undefined ? {} : change(points.hooks)),
  });
  while (!smc.finished) await smc.advance();
  const exact = one.loglik_increments.slice(0, steps).reduce((a, b) => a + b, 0);
  const wanted = [one.filter_mean[steps - 1]!].flat()[0]!;
  const errors = {
    logNormalizer: Float64Array.from(smc.runs, (run) => run.logNormalizer - exact),
    mean: Float64Array.from(
      smc.runs,
      (_, r) => firstMean(smc.population(r).field('x'), smc.weight(r)) - wanted,
    ),
  };
  smc.release();
  points?.release();
  return errors;
}

function firstMean(x: Float64Array, weight: Float64Array): number {
  const d = x.length / weight.length;
  let total = 0;
  let first = 0;
  for (let i = 0; i < weight.length; i++) {
    total += weight[i]!;
    first += weight[i]! * x[i * d]!;
  }
  return first / total;
}
