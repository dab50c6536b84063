/** The mean deflection of a beam under a hundred laws of its loads, sizes and steel, from one sample of 16 384 points. */
import { expectations, moduleModel, run } from 'ensample';
import { inputs } from './beam.ts';
import { beamLaws, exact } from './data/beam-laws.ts';
import { bandChart } from './figures/band-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

const laws = await beamLaws();
const method = expectations({
  model: moduleModel(new URL('beam.ts', import.meta.url)),
  inputs,
  outputs: ['deflection'],
  laws,
  expectations: Object.fromEntries(Object.keys(laws).map((name) => [name, { under: name }])),
  weights: 'equal',
  replicates: 16,
});
const { estimate, diagnostics } = await run(method, { seed: 7 });
const { names, value, standardError, low, high } = estimate;
for (const j of [0, 1, 2]) {
  const found = plusMinus(value[j]!, standardError[j]!);
  console.log(`mean under ${names[j]}: ${found} m, exact ${exact[j]!.toPrecision(6)}`);
}
const held = exact.filter((mean, j) => low[j]! <= mean && mean <= high[j]!).length;
const worst = Math.max(...exact.map((mean, j) => Math.abs(value[j]! / mean - 1)));
console.log(
  `${diagnostics.evaluations} model runs for all 100; the worst mean is ${(100 * worst).toFixed(2)} % off`,
);
console.log(`${held} of 100 intervals hold the exact mean (they share their points, so they miss together)`);

const order = [...exact.keys()].sort((a, b) => exact[a]! - exact[b]!);
const at = (x: ArrayLike<number>): number[] => order.map((j) => x[j]!);
const percent = (x: Float64Array): number[] => order.map((j) => 100 * (x[j]! / exact[j]! - 1));
const axis = { x: order.map((_, i) => i + 1), xLabel: 'law, by its mean' };
save('hundred-laws', 'A beam under a hundred laws of its inputs, from one sample', [
  [
    bandChart({
      ...{ ...axis, value: at(value), exact: at(exact) },
      caption: 'line: mean deflection found, m; dashed: exact',
    }),
    bandChart({
      ...{
        ...axis,
        value: percent(value),
        low: percent(low),
        high: percent(high),
        exact: order.map(() => 0),
      },
      caption: 'line and band: found, in % off the exact mean, 95 %',
    }),
  ],
]);
