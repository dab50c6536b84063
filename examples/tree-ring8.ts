/** Eight modes on a ring, rewarded so that one holds three quarters of the target: seven ways there at equal evaluations. */
import {
  bestOf,
  diffusionChain,
  importanceAtEnd,
  logSumExp,
  mixtureDenoiser,
  type Reward,
  run,
  type Sample,
  steering,
  treeSampler,
  twisted,
  vpLinear,
} from 'ensample';
import { forestChart } from './figures/forest-chart.ts';
import type { Figure } from './figures/frame.ts';
import { massChart } from './figures/mass-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { CONTOURS, sampleChart } from './figures/sample-chart.ts';
import { evenDraws, overRuns, sharesByRun } from './figures/weighted.ts';

const angles = Array.from({ length: 8 }, (_, k) => (k * Math.PI) / 4);
const means = angles.map((a) => [4 * Math.cos(a), 4 * Math.sin(a)] as const);
const covariances = means.map(() => [0, 1].map((i) => [0, 1].map((j) => (i === j ? 0.09 : 0))));
const denoiser = mixtureDenoiser({ means, covariances }, vpLinear());

// r = log sum_k exp(1.5 (k + 1)) N(x; mean k, 0.09 I), with its gradient.
const far = (x: ArrayLike<number>, i: number, k: number): number =>
  (x[2 * i]! - means[k]![0]) ** 2 + (x[2 * i + 1]! - means[k]![1]) ** 2;
const log = new Float64Array(8);
const reward: Reward = {
  name: 'weights of modes',
  value(x, out) {
    for (let i = 0; i < out.length; i++) {
      for (let k = 0; k < 8; k++) log[k] = 1.5 * (k + 1) - far(x, i, k) / 0.18 - Math.log(0.18 * Math.PI);
      out[i] = logSumExp(log);
    }
  },
  gradient(x, out, gradient) {
    gradient.fill(0);
    for (let i = 0; i < out.length; i++) {
      this.value(x.subarray(2 * i, 2 * i + 2), out.subarray(i, i + 1));
      for (let at = 0; at < 16; at++) {
        const share = Math.exp(log[at >> 1]! - out[i]!);
        gradient[2 * i + (at & 1)]! += (share * (means[at >> 1]![at & 1]! - x[2 * i + (at & 1)]!)) / 0.09;
      }
    }
  },
};
// Modes do not overlap, so masses under exp(r) are in the ratio of the weights.
const all = means.reduce((sum, _, k) => sum + Math.exp(1.5 * (k + 1)), 0);
const exact = means.map((_, k) => Math.exp(1.5 * (k + 1)) / all);

// A run of the chain takes 20 evaluations of the denoiser; each method gets 160 runs' worth of them, 16 times.
const [steps, particles] = [20, 160];
const evaluations = steps * particles;
const chain = { denoiser, reward, steps };
const [runs, tree] = [
  { ...chain, particles },
  { chain: diffusionChain(chain), batch: 2 },
];
const methods: Record<string, (seed: number) => Promise<{ readonly sample: Sample }>> = {
  'plain runs': (seed) => run(importanceAtEnd(runs), { seed }),
  // 200 iterations take 3180 evaluations or so; a bound on these would cost the tree its claim to be unbiased.
  'tree, planned': (seed) => run(treeSampler({ ...tree, iterations: 200 }), { seed }),
  'tree, by precision': (seed) => run(treeSampler({ ...tree, evaluations, mode: 'precision' }), { seed }),
  'tree, as published': (seed) => run(treeSampler({ ...tree, evaluations, mode: 'paper' }), { seed }),
  steering: (seed) => run(steering(runs), { seed }),
  twisted: (seed) => run(twisted(runs), { seed }),
  'best of 8': (seed) => run(bestOf({ ...chain, particles: particles / 8, candidates: 8 }), { seed }),
};

const nearest = (x: Float64Array, i: number): number => {
  const distance = means.map((_, k) => far(x, i, k));
  return distance.indexOf(Math.min(...distance));
};
const seeds = Array.from({ length: 16 }, (_, i) => i + 1);
interface Found {
  readonly name: string;
  readonly points: readonly number[];
  readonly masses: ReturnType<typeof overRuns>;
  readonly off: ReturnType<typeof overRuns>;
}
const found: Found[] = [];
for (const [name, sampled] of Object.entries(methods)) {
  const samples: Sample[] = [];
  for (const seed of seeds) samples.push((await sampled(seed)).sample);
  const shares = samples.flatMap((sample) =>
    sharesByRun(sample, 1, means.length, (i) => nearest(sample.points, i)),
  );
  const off = shares.map((own) => [own.reduce((sum, m, k) => sum + Math.abs(m - exact[k]!), 0) / 2]);
  const points = samples.flatMap((sample) => [...evenDraws(sample, 250)]);
  found.push({ name, points, masses: overRuns(shares), off: overRuns(off) });
}

console.log(`${evaluations} evaluations each; exact masses ${exact.map((m) => m.toFixed(4)).join(' ')}`);
for (const { name, masses, off } of found) {
  const apart = plusMinus(off.value[0]!, off.error[0]!);
  console.log(`${name.padEnd(18)}: ${masses.value.map((m) => m.toFixed(4)).join(' ')}, off by ${apart}`);
}
for (const { name, masses } of found.slice(0, 2))
  console.log(
    `largest mass, ${name}: ${plusMinus(masses.value[7]!, masses.error[7]!)}, exact ${exact[7]!.toFixed(4)}`,
  );

const [plain, planned, , published, , pulled] = found;
const panel = ({ name, points }: Found): Figure =>
  sampleChart({
    ...{ points, caption: name, xLabel: CONTOURS, x: [-5.5, 5.5], y: [-5.5, 5.5] },
    logDensity(x, out) {
      reward.value(x, out);
      for (let i = 0; i < out.length; i++) out[i]! *= 2;
    },
  });
const masses = exact.map((mass, k) => ({
  ...{ name: String(k + 1), exact: mass, value: planned!.masses.value[k]! },
  ...{ error: planned!.masses.error[k]!, uncorrected: published!.masses.value[k]! },
}));
const steered = found.find(({ name }) => name === 'steering')!;
save('tree-ring8', 'Eight modes, of which one is to hold 78 % of the mass', [
  [panel(plain!), panel(planned!), panel(published!)],
  [panel(steered), panel(pulled!), panel(found.at(-1)!)],
  [
    massChart({
      ...{ masses, xLabel: 'mode', crosses: 'as published' },
      caption: 'bars: exact; dots: planned tree, 95 %; crosses: as published',
    }),
    forestChart({
      rows: found.map(({ name, masses: own }) => ({ name, value: own.value[7]!, error: own.error[7]! })),
      ...{ exact: exact[7]!, xLabel: 'mass of mode 8' },
      caption: 'dots: mean of 16 runs, 95 %; line: exact',
    }),
  ],
]);
