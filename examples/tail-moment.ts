/** How much water comes over a dike, and how high it stands when it does: moments of a tail that plain points hardly see. */
import { expectations, monteCarlo, named, normal, run, tailMoments, type WeightedResult } from 'ensample';
import { bandChart } from './figures/band-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

// Metres over the usual level, independent; their sum is normal, so everything is known exactly.
const inputs = { tide: normal(0, 0.8), surge: normal(0.5, 0.9), waves: normal(0.3, 0.4) };
const model = named(({ tide, surge, waves }) => tide! + surge! + waves!);
const problem = { model, inputs, outputs: ['level'], replicates: 16 };
const [mean, sd, dike] = [0.8, Math.hypot(0.8, 0.9, 0.4), 5.5];

/** P(Y > q) and E[(Y - q)+] of a normal law. */
function exact(q: number): readonly [probability: number, excess: number] {
  const z = (q - mean) / sd;
  const probability = normal(0, 1).cdf(-z);
  return [probability, sd * (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI) - z * probability)];
}

const method = expectations({
  ...problem,
  expectations: { over: { event: { above: dike } }, excess: { of: ([y]) => Math.max(0, y! - dike) } },
  functionals: { beyond: { value: ([over, excess]) => dike + excess! / over! } },
});
const found = await run(method, { seed: 7 });
const [probability, excess] = exact(dike);
const { estimate, functionals } = found;
const rows = [
  ['chance of water over the dike', estimate, 0, probability],
  ['mean water over it, m', estimate, 1, excess],
  ['mean level when it is over, m', functionals, 0, dike + excess / probability],
] as const;
for (const [words, { value, standardError }, j, truth] of rows)
  console.log(`${words}: ${plusMinus(value[j]!, standardError[j]!)}, exact ${truth.toPrecision(6)}`);

// The same points tell of other dikes, too; as many plain points see only the lower ones.
const plain = await run(monteCarlo(problem), { seed: 7 });
const dikes = Array.from({ length: 26 }, (_, i) => 4 + i / 10);
const over = (result: WeightedResult) => (q: number) => {
  const { names, value, low, high } = tailMoments({ result, threshold: q }).estimate;
  const at = names.indexOf('excess');
  return { value: value[at]!, low: low[at]!, high: high[at]! };
};
const line = dikes.map(over(found));
const dots = dikes.map((x) => ({ x, y: over(plain)(x).value })).filter(({ y }) => y > 0);
console.log(`${plain.diagnostics.evaluations} plain points see no level above ${dots[dots.length - 1]?.x} m`);
save('tail-moment', 'How much water comes over a dike on average, by its height', [
  bandChart({
    ...{
      x: dikes,
      value: line.map((r) => r.value),
      low: line.map((r) => r.low),
      high: line.map((r) => r.high),
    },
    ...{ exact: dikes.map((q) => exact(q)[1]), data: dots, xLabel: 'height of the dike, m', yScale: 'log' },
    caption: 'line and band: mean excess, m, 95 %; dashed: exact; dots: as many plain points',
  }),
]);
