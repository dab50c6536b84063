/** Eight rings in 16 dimensions: how near does a search on trees come to one point, and how near the best of as many plain runs? */
import {
  type Denoiser,
  diffusionChain,
  iterate,
  mixtureDenoiser,
  run,
  treeSampler,
  vpLinear,
} from 'ensample';
import { errorChart } from './figures/error-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { overRuns } from './figures/weighted.ts';

const [blocks, steps, trials] = [8, 20, 6];
const angles = Array.from({ length: 8 }, (_, k) => (k * Math.PI) / 4);
const means = angles.map((a) => [4 * Math.cos(a), 4 * Math.sin(a)]);
const covariances = means.map(() => [0, 1].map((i) => [0, 1].map((j) => (i === j ? 0.09 : 0))));
const ring = mixtureDenoiser({ means, covariances }, vpLinear());
/** Blocks do not know of each other: a row of 16 numbers is eight rows of two. */
const denoiser: Denoiser = {
  ...{ name: 'eight rings', dimension: 2 * blocks, schedule: ring.schedule, prediction: 'clean' },
  predict: (x, time, out) =>
    ring.clean!(
      x,
      Float64Array.from({ length: x.length / 2 }, (_, i) => timeOf(time, i)),
      out,
    ),
};
const timeOf = (time: number | Float64Array, i: number): number =>
  typeof time === 'number' ? time : time[Math.floor(i / blocks)]!;
/** Half the square of how far all blocks are from the same mode, a quarter of it counted. */
const distance = (x: Float64Array, out: Float64Array): void => {
  for (let i = 0; i < out.length; i++) {
    out[i] = 0;
    for (let at = 2 * blocks * i; at < 2 * blocks * (i + 1); at++)
      out[i]! -= 0.125 * (x[at]! - means[7]![at & 1]!) ** 2;
  }
};

const chain = diffusionChain({ denoiser, reward: { name: 'near one mode', value: distance }, steps });
const budgets = [512, 1024, 2048, 4096];
const most = budgets.at(-1)!;
/** The best reward by each budget, of each seed. */
const [plain, searched]: [number[][], number[][]] = [[], []];
for (let seed = 1; seed <= trials; seed++) {
  const iterations = Math.floor(most / steps);
  const { reward } = await run(treeSampler({ chain, mode: 'prior', iterations, batch: iterations }), {
    seed,
  });
  plain.push(budgets.map((budget) => Math.max(...reward.subarray(0, Math.floor(budget / steps)))));
  const bests: { readonly spent: number; readonly best: number }[] = [];
  for await (const at of iterate(treeSampler({ chain, mode: 'search', evaluations: most }), { seed }))
    bests.push({ spent: at.info.evaluations, best: (await at.result()).best.reward });
  searched.push(
    budgets.map((budget) =>
      Math.max(...bests.map(({ spent, best }) => (spent <= budget ? best : -Infinity))),
    ),
  );
}

const lines = Object.entries({ 'best of plain runs': plain, 'search on a tree': searched }).map(
  ([name, rewards]) => {
    const { value, error } = overRuns(rewards);
    for (const [k, cost] of budgets.entries())
      console.log(`${name}, ${cost} evaluations: best reward ${plusMinus(value[k]!, error[k]!)}`);
    return { name, points: budgets.map((cost, k) => ({ cost, error: -value[k]!, spread: error[k]! })) };
  },
);
save('tree-search', 'How far the best point found is from the wanted one, in 16 dimensions', [
  errorChart({
    ...{ lines, xLabel: 'evaluations of the denoiser' },
    caption: `what the best reward found is short of 0, the largest there is; means of ${trials} runs, bars one standard error`,
  }),
]);
