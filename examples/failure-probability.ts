/** A mast breaks when wind from either side bends it too far, once in a million storms. How is that seen at all? */
import { crossEntropy, expectations, monteCarlo, named, normal, run } from 'ensample';
import { bandChart } from './figures/band-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

// Bending by a gust and by its eddies, in units of the usual one: 0.8 gust + 0.6 eddy is standard normal.
const inputs = { gust: normal(0, 1), eddy: normal(0, 1) };
const model = named(({ gust, eddy }) => Math.abs(0.8 * gust! + 0.6 * eddy!));
const limit = 4.9;
const exact = (bend: number): number => 2 * normal(0, 1).cdf(-bend);
const known = exact(limit).toPrecision(6);

// The cross-entropy method raises a level until it stands at the limit, here with a part for each side.
const problem = { model, inputs, outputs: ['bend'] };
const event = { above: limit };
const raised = await run(crossEntropy({ ...problem, event, components: 2 }), { seed: 7 });
const { value, standardError } = raised.logProbability;
const probability = Math.exp(value);
console.log(`cross-entropy: ${plusMinus(probability, probability * standardError)}, exact ${known}`);
console.log(`it climbed ${raised.levels.map(({ value: level }) => level.toFixed(2)).join(', ')}`);

// Many events at once: how likely each bend is passed, from one sample.
const bends = Array.from({ length: 11 }, (_, i) => (4 + 5 * i) / 10);
const events = Object.fromEntries(bends.map((above) => [`beyond ${above}`, { above }]));
const wanted = Object.fromEntries(Object.entries(events).map(([name, event]) => [name, { event }]));
const found = await run(
  expectations({ ...problem, expectations: wanted, proposal: 'mixture', replicates: 16 }),
  { seed: 7 },
);
const { estimate, diagnostics } = found;
const last = bends.indexOf(limit);
const p = plusMinus(estimate.value[last]!, estimate.standardError[last]!);
console.log(`one of eleven events at once: ${p}, exact ${known}`);

const plain = await run(monteCarlo({ ...problem, design: 'iid', probabilities: events }), { seed: 7 });
const seen = plain.probabilities.value;
const needed = (1 / Number(known) / 0.01 ** 2).toExponential(0);
console.log(
  `plain Monte Carlo: ${seen[last]! * 16_384} breaks in ${diagnostics.evaluations} storms; 1 % would take ${needed}`,
);
save('failure-probability', 'How likely a storm bends a mast beyond what it bears', [
  bandChart({
    ...{ x: bends, value: estimate.value, low: estimate.low, high: estimate.high, exact: bends.map(exact) },
    data: bends.map((x, i) => ({ x, y: seen[i]! })).filter(({ y }) => y > 0),
    ...{ xLabel: 'bend', yScale: 'log', events: [{ x: limit, label: 'breaks' }] },
    caption: 'line and band: eleven events from one sample, 95 %; dashed: exact; dots: plain Monte Carlo',
  }),
]);
