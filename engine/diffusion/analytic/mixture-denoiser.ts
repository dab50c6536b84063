import { checkList } from '../../check.ts';
import type { MultivariateLaw, Rows } from '../../distribution/multivariate.ts';
import type { MixtureParameters, NormalMixture } from '../../distribution/normal-mixture.ts';
import { mixtureLogDensity, mixtureScore } from '../../wasm/twins/mixture.ts';
import { checkPlaces } from '../check-schedule.ts';
import type { Denoiser, DenoiserKernelOptions, DenoiserKernels } from '../denoiser.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { emptyParameters, type NoisedMixture, noisedMixture, noiseParameters } from './noised-mixture.ts';
import { rowMixture } from './row-mixture.ts';

/** A normal law of d numbers. */
export interface NormalLaw {
  /** [d] */
  readonly mean: readonly number[];
  /** [d, d] as rows, symmetric and positive definite. */
  readonly covariance: Rows;
}

/**
 * The exact denoiser of a normal law under a schedule.
 * @throws OptionError as `mixtureDenoiser` does.
 */
export function gaussianDenoiser(law: NormalLaw, schedule: NoiseSchedule): Denoiser {
  checkPlaces('gaussianDenoiser', 'law', law, schedule);
  const { mean, covariance } = law;
  checkList('gaussianDenoiser', 'mean', mean, 'an array of numbers');
  return mixtureDenoiser({ means: [mean], covariances: [covariance] }, schedule);
}

/** Numbers that a call of functions over rows should take about, by the cost of a row. */
const WORK = 2 ** 22;

/**
 * The exact denoiser of a mixture of normal laws under any schedule: score, log density, divergence, tangent. Right at
 * noise 0, where it is the law itself, and with log-sum-exp everywhere. One time for all rows runs in kernels of the core,
 * with the same bits in plain JavaScript; a time for each row runs along the axes of the components.
 * @param mixture numbers, or a law made of `multivariateNormal` and `multivariateMixture`.
 * @throws OptionError when the arguments are swapped, a law is of another kind, counts or dimensions differ, a weight is
 * bad, or a covariance is not symmetric and positive definite.
 */
export function mixtureDenoiser(mixture: NormalMixture | MultivariateLaw, schedule: NoiseSchedule): Denoiser {
  checkPlaces('mixtureDenoiser', 'mixture', mixture, schedule);
  const noised = noisedMixture(mixture);
  const { dimension: d, components } = noised;
  const at = parametersAt(
    noised,
    schedule,
    emptyParameters(noised, (length) => new Float64Array(length)),
  );
  const rows = rowMixture(noised, schedule);
  return {
    name: components === 1 ? 'normal law' : `mixture of ${components} normal laws`,
    dimension: d,
    schedule,
    prediction: 'score',
    rows: Math.max(16, Math.min(8192, Math.floor(WORK / (components * d * (d + 4))))),
    predict(x, time, out) {
      if (typeof time !== 'number') return rows.score(x, time, out);
      const { means, whiten, logConstant } = at(time);
      const n = x.length / d;
      mixtureScore(x, d, means, whiten, logConstant, components, new Float64Array(n), out, 0, n);
    },
    logDensity(x, time, out) {
      if (typeof time !== 'number') return rows.logDensity(x, time, out);
      const { means, whiten, logConstant } = at(time);
      mixtureLogDensity(x, d, means, whiten, logConstant, components, out, 0, x.length / d);
    },
    clean: rows.clean,
    divergence: rows.divergence,
    tangent: rows.tangent,
    mixture: noised.numbers,
    moments: momentsOf(noised),
    kernels: { open: (options) => openKernels(noised, schedule, options) },
  };
}

/** Parameters of the kernels at a time, made anew when it is another one than the time before. */
function parametersAt(
  noised: NoisedMixture,
  schedule: NoiseSchedule,
  parameters: MixtureParameters,
): (time: number) => MixtureParameters {
  let last = Number.NaN;
  return (time) => {
    if (time !== last) noiseParameters(noised, schedule.signal(time), schedule.noise(time), parameters);
    last = time;
    return parameters;
  };
}

function openKernels(
  noised: NoisedMixture,
  schedule: NoiseSchedule,
  { backend }: DenoiserKernelOptions,
): DenoiserKernels {
  const { dimension: d, components } = noised;
  const arena = backend.arena();
  const at = parametersAt(
    noised,
    schedule,
    emptyParameters(noised, (length) => arena.f64(length)),
  );
  return {
    async evaluate(x, time, n, score, logDensity) {
      const { means, whiten, logConstant } = at(time);
      const laws = [means, whiten, logConstant, components] as const;
      if (score === undefined) await backend.dispatch('mixtureLogDensity', [x, d, ...laws, logDensity], n);
      else await backend.dispatch('mixtureScore', [x, d, ...laws, logDensity, score], n);
    },
    release: () => arena.release(),
  };
}

function momentsOf({ dimension: d, components, logWeight, means, covariances }: NoisedMixture): {
  readonly mean: Float64Array;
  readonly secondMoment: number;
} {
  const mean = new Float64Array(d);
  let second = 0;
  for (let k = 0; k < components; k++) {
    const weight = Math.exp(logWeight[k]!);
    for (let i = 0; i < d; i++) {
      const m = means[k * d + i]!;
      mean[i] = mean[i]! + weight * m;
      second += weight * (m * m + covariances[(k * d + i) * d + i]!);
    }
  }
  return { mean, secondMoment: second / d };
}
