/** Do chains that wander over noise levels find all modes, and do they pay? Against reverse diffusion at equal evaluations. */
import {
  type DenoisingMcmcOptions,
  denoisingMcmc,
  edmGrid,
  heun,
  mixtureDenoiser,
  reverseDiffusion,
  run,
  veLinear,
} from 'ensample';
import { errorChart } from './figures/error-chart.ts';
import { massChart } from './figures/mass-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { CONTOURS, sampleChart } from './figures/sample-chart.ts';
import { overRuns, sharesByRun } from './figures/weighted.ts';

// Four narrow modes far apart; all chains start in the lightest, and four of them count as a run.
const [weights, width, chains, runs] = [[0.1, 0.2, 0.3, 0.4], 0.3, 64, 16];
const means = [-4, 4].flatMap((y) => [-4, 4].map((x) => [x, y]));
const covariances = means.map(() => [
  [width ** 2, 0],
  [0, width ** 2],
]);
const denoiser = mixtureDenoiser({ means, covariances, weights }, veLinear());
const levels = Float64Array.from({ length: 32 }, (_, g) => 0.05 * 200 ** (g / 31));
const start = new Float64Array(2 * chains).fill(-4);
const settings = { denoiser, levels, chains, start, floor: 0.002, warmup: 200 };
const sampled = (more: Partial<DenoisingMcmcOptions>) =>
  run(denoisingMcmc({ ...settings, ...more }), { seed: 7 });

const modeOf = (points: ArrayLike<number>, i: number): number =>
  (points[2 * i]! > 0 ? 1 : 0) + (points[2 * i + 1]! > 0 ? 2 : 0);
/** Root mean square distance of a coordinate from the mean of the mode that is nearest. */
function spread(points: Float64Array): number {
  const squares = points.reduce((sum, x, at) => sum + (x - means[modeOf(points, at >> 1)]![at % 2]!) ** 2, 0);
  return Math.sqrt(squares / points.length);
}
/** Evaluations of a point, those of the warm-up left out. */
const costOf = ({ sample, chain: { evaluations } }: Awaited<ReturnType<typeof sampled>>): number =>
  (evaluations.chain + evaluations.denoise) / sample.shape[0];

const wandering = await sampled({ kept: 400, skip: 2, denoiseSteps: 4 });
// At one level, chains stay in their mode.
const held = await sampled({ levels: [0.15, 0.1501], warmup: 20, kept: 50, skip: 2, denoiseSteps: 4 });
const shares = [wandering, held].map(({ sample }) => {
  const { points, shape, logWeight } = sample;
  // Row s n + i is of chain i: sorted by chains, then by states.
  const order = (at: number): number =>
    (at % (shape[0] / chains)) * chains + Math.floor(at / (shape[0] / chains));
  return overRuns(sharesByRun({ points, shape, logWeight }, runs, 4, (at) => modeOf(points, order(at))));
});
// Reverse diffusion at as many evaluations in all, with steps enough for the spread of a mode.
const STEPS = 20;
const count = Math.floor(wandering.diagnostics.evaluations / (2 * STEPS - 1) / runs) * runs;
const whole = (await fromNoise(STEPS, count)).sample;
const plain = overRuns(sharesByRun(whole, runs, 4, (at) => modeOf(whole.points, at)));
const names = ['lower left', 'lower right', 'upper left', 'upper right'];
const masses = names.map((name, k) => {
  const [value, error] = [shares[0]!.value[k]!, shares[0]!.error[k]!];
  return { name, exact: weights[k]!, value, error, uncorrected: plain.value[k]! };
});
const evaluations = wandering.diagnostics.evaluations.toExponential(1);
console.log(`shares at ${evaluations} evaluations by chains (by reverse diffusion; at one noise level)`);
for (const [k, { name, value, error, exact }] of masses.entries()) {
  const beside = `${plusMinus(plain.value[k]!, plain.error[k]!)}; ${shares[1]!.value[k]!.toFixed(2)}`;
  console.log(`share ${name}: ${plusMinus(value, error)} (${beside}), exact ${exact}`);
}
const { modes, memory } = wandering.chain;
console.log(
  `memory: ${modes!.memory.toFixed(0)} cycles of the mode, ${memory.toFixed(0)} of the noise level`,
);

async function fromNoise(steps: number, particles = 4000) {
  const grid = edmGrid(veLinear(), { steps, largest: 80, smallest: 0.002 });
  const method = reverseDiffusion({ denoiser, integrator: heun(), grid, particles });
  const { sample } = await run(method, { seed: 7 });
  return { cost: 2 * steps - 1, sample, points: sample.points };
}
console.log(`evaluations of a point and spread within the modes, exact ${width}`);
const told = (name: string, cost: number, points: Float64Array) => {
  console.log(`${name.padEnd(22)} ${cost.toFixed(1).padStart(5)}   ${spread(points).toFixed(3)}`);
  return { cost, error: Math.abs(spread(points) / width - 1) };
};
const fromFar = [];
for (const steps of [5, 6, 7, 8, 10, 14, 18]) {
  const { cost, points } = await fromNoise(steps);
  fromFar.push(told('reverse diffusion', cost, points));
}
const lines = [{ name: 'reverse diffusion', points: fromFar }];
for (const [name, more] of [
  ['exact chains', {}],
  ['unadjusted chains', { mode: 'unadjusted', stepSize: 0.4 }],
] as const) {
  const points = [];
  for (const [skip, denoiseSteps] of [
    [2, 4],
    [4, 5],
    [5, 6],
    [8, 8],
  ] as const) {
    const result = await sampled({ ...more, warmup: 100, kept: 40, skip, denoiseSteps });
    points.push(told(name, costOf(result), result.sample.points));
  }
  lines.push({ name, points });
}

const frame = {
  ...{ x: [-6.5, 6.5] as const, y: [-6.5, 6.5] as const, xLabel: CONTOURS },
  logDensity: (rows: Float64Array, out: Float64Array) => void denoiser.logDensity!(rows, 0, out),
};
const equal = await fromNoise(6);
const dots = wandering.sample.points;
const cost = costOf(wandering).toFixed(0);
save('denoising-modes', 'Four far modes by chains over noise levels, and by reverse diffusion', [
  [
    sampleChart({ ...frame, points: dots, caption: `dots: exact chains, ${cost} evaluations a point` }),
    sampleChart({
      ...frame,
      points: equal.points,
      caption: `dots: reverse diffusion, ${equal.cost} evaluations`,
    }),
  ],
  [
    massChart({
      ...{ masses, xLabel: 'mode', crosses: 'reverse diffusion' },
      caption: `bars: exact share of each mode; dots: chains, 95 %; crosses: reverse diffusion, as many evaluations`,
    }),
    errorChart({
      ...{ lines, cost: [8, 40], error: [1e-2, 10], xLabel: 'evaluations of a point' },
      caption: 'error of the spread within the modes, relative',
    }),
  ],
]);
