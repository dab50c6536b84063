// How well does a hidden autoregression explain the data? A particle filter whose particles are on the graphics card: the model
// is three kernels, the call is that of every filter. The exact answer is the Kalman filter's.
import {
  gpuBackend,
  gpuKernel,
  kalmanFilter,
  kernelStateSpace,
  linearGaussian,
  particleFilter,
  run,
} from 'ensample';

const [decay, noise, spread] = [0.9, 0.5, 0.7];
const data = [0.3, -0.2, 0.9, 1.4, 0.8, null, 0.2, -0.6, -0.9, -0.1, 0.5, 1.2];
const start = noise / Math.sqrt(1 - decay * decay);

// A point is what each function of the model gets: normals z; the state before and z; the state and the observation.
const constants = { decay, noise, spread, start, log: Math.log(spread * Math.sqrt(2 * Math.PI)) };
const model = kernelStateSpace({
  initial: gpuKernel(
    function (z) {
      return this.constants.start * z[0]!;
    },
    { dims: 1, name: 'initial', constants },
  ),
  transition: gpuKernel(
    function (at) {
      return this.constants.decay * at[0]! + this.constants.noise * at[1]!;
    },
    { dims: 2, name: 'transition', constants },
  ),
  logObservation: gpuKernel(
    function (at) {
      const z = (at[1]! - at[0]!) / this.constants.spread;
      return -0.5 * z * z - this.constants.log;
    },
    { dims: 2, name: 'observation', constants },
  ),
});

const backend = await gpuBackend({ allowSoftware: true }).catch((error: Error) => {
  console.log(error.message);
  process.exit(0);
});
const method = particleFilter({ model, observations: data, particles: 2 ** 13, runs: 8 });
const { logNormalizer, mean, provenance } = await run(method, { seed: 1, backend });
await backend.dispose();

const exact = kalmanFilter(
  linearGaussian({
    transition: decay,
    transitionCovariance: noise * noise,
    observationCovariance: spread * spread,
    initialCovariance: start * start,
  }),
  data,
);
const digits = (x: number): string => x.toFixed(4);
const last = data.length - 1;
console.log(
  `log evidence ${digits(logNormalizer.value)} +/- ${digits(logNormalizer.standardError)}, exact ${digits(exact.logNormalizer)}`,
);
console.log(
  `last state ${digits(mean[last]!)}, exact ${digits(exact.mean[last]!)}, on ${provenance.adapter}`,
);
