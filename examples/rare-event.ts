/** Twenty repairs take an hour each on average, each exponential. How likely do they last longer than two days? */
import { batch, exponential, run, splitting } from 'ensample';
import { bandChart } from './figures/band-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

const [repairs, deadline, particles] = [20, 48, 500];
const hours = batch((x: Float64Array, out: Float64Array) => {
  for (let i = 0; i < out.length; i++) {
    out[i] = 0;
    for (let k = 0; k < repairs; k++) out[i]! += x[i * repairs + k]!;
  }
});
const inputs = Object.fromEntries(
  Array.from({ length: repairs }, (_, k) => [`repair ${k + 1}`, exponential(1)]),
);
const { levels, logProbability, probability, diagnostics } = await run(
  splitting({ model: hours, inputs, outputs: ['hours'], event: { above: deadline }, particles, runs: 16 }),
  { seed: 7 },
);

/** The sum of exponential times is above t when a Poisson count of mean t is below the number of repairs. */
function exact(t: number): number {
  let [term, sum] = [Math.exp(-t), 0];
  for (let k = 0; k < repairs; term *= t / ++k) sum += term;
  return sum;
}
const { value, low, high } = probability;
const found = plusMinus(value, value * logProbability.standardError);
const interval = `[${low.toExponential(2)}, ${high.toExponential(2)}]`;
console.log(
  `more than ${deadline} hours: ${found}, 95 % interval ${interval}, exact ${exact(deadline).toExponential(4)}`,
);
console.log(
  `${diagnostics.evaluations} model runs; plain sampling would see the event once in ${(1 / value).toFixed(0)}`,
);

// Probabilities of passing each level of the first run, with the spread of levels drawn afresh.
let [p, variance] = [1, 0];
const rows = levels.map(({ value: level, survivors }) => {
  p *= survivors;
  variance += (1 - survivors) / survivors / particles;
  const spread = Math.exp(1.96 * Math.sqrt(variance));
  return { x: level, value: p, low: p / spread, high: p * spread, exact: exact(level) };
});
const column = (name: keyof (typeof rows)[number]): number[] => rows.map((row) => row[name]);
save(
  'rare-event',
  `Twenty repairs of an hour each take more than ${deadline} hours: levels on the way there`,
  [
    bandChart({
      ...{ x: column('x'), value: column('value'), exact: column('exact'), xLabel: 'hours', yScale: 'log' },
      ...{ low: column('low'), high: column('high'), data: rows.map(({ x, value: y }) => ({ x, y })) },
      caption: 'dots: levels of one run; line and band: probability of more hours, 95 %; dashed: exact',
    }),
  ],
);
