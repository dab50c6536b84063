/** How nervous was the dollar price of the euro from 2007 to 2010? A stochastic-volatility filter of daily returns. */
import { particleFilter, run, stochasticVolatility } from 'ensample';
import { readColumns } from './data/read.ts';
import { bandChart } from './figures/band-chart.ts';
import { normalCurve } from './figures/bands.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { weightsChart } from './figures/weights-chart.ts';

const { date, usd } = readColumns('eur-usd.csv');
const rates = usd!.map(Number);
/** Daily log returns, per cent. */
const returns = rates.slice(1).map((rate, i) => 100 * Math.log(rate / rates[i]!));
const x = date!.slice(1).map((day) => 1970 + Date.parse(day) / (365.2425 * 86_400_000));

// log variance h_t = mean + persistence (h_{t-1} - mean) + volatility u_t, return ~ N(0, exp h_t)
const [mean, persistence, volatility] = [-0.9, 0.995, 0.07];
const model = stochasticVolatility({ mean, persistence, volatility });
const settings = { model, observations: returns, particles: 500 };
const { logNormalizer } = await run(particleFilter({ ...settings, runs: 16 }), { seed: 7 });
const filtered = await run(particleFilter({ ...settings, moments: 'covariance' }), { seed: 7 });

// The exact filter, by a sum over a grid that ends five standard deviations from the mean.
const sd = volatility / Math.sqrt(1 - persistence ** 2);
const grid = Array.from({ length: 151 }, (_, i) => mean + ((i - 75) / 15) * sd);
const bell = (z: number, scale: number): number =>
  Math.exp(-0.5 * (z / scale) ** 2) / scale / Math.sqrt(2 * Math.PI);
const from = (h: number): number => mean + persistence * (h - mean);
const moves = grid.map((to) => grid.map((h) => (bell(to - from(h), volatility) * sd) / 15));
let law = grid.map((h) => (bell(h - mean, sd) * sd) / 15);
let exact = 0;
const exactMean = returns.map((y, t) => {
  if (t > 0) law = moves.map((row) => row.reduce((sum, p, i) => sum + p * law[i]!, 0));
  const seen = law.map((p, i) => p * bell(y, Math.exp(grid[i]! / 2)));
  const total = seen.reduce((sum, p) => sum + p, 0);
  law = seen.map((p) => p / total);
  exact += Math.log(total);
  return law.reduce((sum, p, i) => sum + p * grid[i]!, 0);
});

const found = plusMinus(logNormalizer.value, logNormalizer.standardError);
console.log(`log evidence of ${returns.length} returns: ${found} (log), exact ${exact.toFixed(3)}`);
const { value, low, high } = normalCurve(filtered.mean, filtered.covariance);
const deviation = (values: readonly number[]): number[] => values.map((h) => Math.exp(h / 2));
const axis = { x, xLabel: 'year', xTicks: [2007, 2008, 2009, 2010, 2011] };
save('volatility', 'Daily moves of the dollar price of the euro, per cent', [
  bandChart({
    ...{ ...axis, value: deviation(value), low: deviation(low), high: deviation(high) },
    ...{ exact: deviation(exactMean), height: 280 },
    data: returns.map((y, t) => ({ x: x[t]!, y: Math.abs(y) })),
    caption:
      'line and band: standard deviation of a day, filtered, 95 %; dashed: exact; dots: size of each move',
    events: [{ x: x[date!.indexOf('2008-09-15') - 1]!, label: 'Lehman Brothers fails' }],
  }),
  weightsChart({ ...axis, names: date!.slice(1), ...filtered, particles: 500, threshold: 0.5 }),
]);
