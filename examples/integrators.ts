/** Which solver of the probability flow needs the fewest evaluations of the model? All of them on one mixture. */
import {
  DETERMINISTIC_INTEGRATORS,
  logSnrGrid,
  mixtureDenoiser,
  referenceFlow,
  reverseDiffusion,
  rngFromSeed,
  run,
  vpLinear,
} from 'ensample';
import { type ErrorLine, errorChart } from './figures/error-chart.ts';
import { save } from './figures/page.ts';

const schedule = vpLinear();
const means = [1.5, -1, 0.2].map((x, k) => [x, [0.5, 1.2, -1.6][k]!]);
const entries = ['0.3 0.1 0.2', '0.15 -0.05 0.25', '0.4 0 0.1'].map((row) => row.split(' ').map(Number));
const covariances = entries.map(([a, b, c]) => [
  [a!, b!],
  [b!, c!],
]);
const denoiser = mixtureDenoiser({ means, covariances, weights: [0.25, 0.45, 0.3] }, schedule);
const times = { start: 0.45, stop: 0.05 };
// Points about where the noised modes are at the first time, and where the flow carries them.
const [signal, noise] = [schedule.signal(times.start), schedule.noise(times.start)];
const [particles, draw] = [64, rngFromSeed(7).stream({ purpose: 32 })];
const start = Float64Array.from({ length: 2 * particles }, (_, at) => {
  return signal * means[(at >> 1) % 3]![at % 2]! + noise * draw.normal();
});
const exact = await referenceFlow({ denoiser, x: start, from: times.start, to: times.stop });

async function errorOf(name: string, steps: number): Promise<{ cost: number; error: number }> {
  const [integrator, grid] = [DETERMINISTIC_INTEGRATORS[name]!(), logSnrGrid(schedule, { steps, ...times })];
  const method = reverseDiffusion({ denoiser, integrator, grid, start, particles });
  const { sample, diagnostics } = await run(method, { seed: 7 });
  const squares = sample.points.reduce((sum, x, at) => sum + (x - exact[at]!) ** 2, 0);
  return { cost: diagnostics.evaluations / particles, error: Math.sqrt(squares / exact.length) };
}
const sizes = [6, 12, 24, 48, 96, 192];
console.log('solver                     order  observed  evaluations to an error of 1e-3');
const lines: ErrorLine[] = [];
for (const [name, make] of Object.entries(DETERMINISTIC_INTEGRATORS)) {
  const points = [];
  for (const steps of sizes) points.push(await errorOf(name, steps));
  const observed = Math.log2(points.at(-2)!.error / points.at(-1)!.error).toFixed(2);
  const enough = points.find(({ error }) => error < 1e-3)?.cost ?? `over ${points.at(-1)!.cost}`;
  console.log(`${name.padEnd(26)} ${make().order}      ${observed}      ${enough}`);
  lines.push({ name, points });
}

const frame = { cost: [6, 768], error: [1e-11, 1], xLabel: 'evaluations of the model' } as const;
const panel = (caption: string, names: RegExp) => {
  return errorChart({ ...frame, caption, lines: lines.filter(({ name }) => names.test(name)) });
};
const first = panel('one step, orders 1 and 2', /^pf|^ddim|heun|midpoint|^dpm-solver-2|2S|on the grid/);
const second = panel('one step, orders 3 and 4', /^dpm-solver-3$|3S|rho-rk/);
const third = panel('with a memory: DPM-Solver, PNDM', /\(.M\)|pndm/);
const fourth = panel('with a memory: DEIS, UniPC', /deis|uni/);
save('integrators', 'Error of the probability flow by the evaluations it takes', [
  [first, second],
  [third, fourth],
]);
