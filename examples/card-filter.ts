// How well does a hidden autoregression explain the data? Particle filters whose particles stay on the graphics card: the
// host sees one log-weight of each per step. The exact answer is the Kalman filter's.
import { cardParticles, gpuBackend, gpuKernel, replicateMean, rngFromSeed } from 'ensample';

const [decay, noise, spread] = [0.9, 0.5, 0.7];
const data = [0.3, -0.2, 0.9, 1.4, 0.8, 1.1, 0.2, -0.6, -0.9, -0.1, 0.5, 1.2];
const start = noise / Math.sqrt(1 - decay * decay);

const backend = await gpuBackend({ allowSoftware: true }).catch((error: Error) => {
  console.log(error.message);
  process.exit(0);
});
const gpu = (await backend.card(data.length)).gpu!;

const fade = gpuKernel(
  function (x) {
    return this.constants.decay * x[0]!;
  },
  { dims: 1, name: 'fade', constants: { decay } },
);
/** log N(y; x, spread^2). Arrays of constants are read from the card's memory, so a new y compiles nothing. */
const likelihood = (y: number) =>
  gpuKernel(
    function (x) {
      const z = (this.constants.y[0]! - x[0]!) / this.constants.spread;
      return -0.5 * z * z - this.constants.log;
    },
    {
      dims: 1,
      name: 'likelihood',
      constants: { y: [y], spread, log: Math.log(spread * Math.sqrt(2 * Math.PI)) },
    },
  );

async function logEvidence(seed: number): Promise<number> {
  const filter = cardParticles({ gpu, backend, particles: 2 ** 14, dimension: 1, rng: rngFromSeed(seed) });
  await filter.scatter({ noise: start });
  for (const [step, y] of data.entries()) {
    if (step > 0 && filter.ess < filter.count / 2) await filter.resample(step);
    if (step > 0) await filter.transition({ step, map: fade, noise });
    await filter.reweight(await filter.logDensity(likelihood(y)));
  }
  const found = filter.logNormalizer;
  filter.release();
  return found;
}

let [mean, variance, exact] = [0, start * start, 0];
for (const [step, y] of data.entries()) {
  if (step > 0) [mean, variance] = [decay * mean, decay * decay * variance + noise * noise];
  const total = variance + spread * spread;
  exact -= 0.5 * (Math.log(2 * Math.PI * total) + (y - mean) ** 2 / total);
  const gain = variance / total;
  [mean, variance] = [mean + gain * (y - mean), (1 - gain) * variance];
}

const digits = (x: number) => x.toFixed(4);
const found: number[] = [];
for (let seed = 1; seed <= 8; seed++) found.push(await logEvidence(seed));
const answer = replicateMean(Float64Array.from(found));
console.log(
  `log evidence ${digits(answer.value)} +/- ${digits(answer.standardError)}, exact ${digits(exact)}, on ${gpu.adapter}`,
);
await backend.dispose();
