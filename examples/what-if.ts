/** What if the steel of the beam is not what was assumed? Other laws from the runs that are there, as far as those reach. */
import { lawImpact, logNormalFromMean, moduleModel, monteCarlo, reweight, run } from 'ensample';
import { inputs } from './beam.ts';
import { bandChart } from './figures/band-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

// Deflection is proportional to 1 / E, so its mean is known for steel of any mean.
const exact = (steel: number): number => (0.043856495 * 200) / steel;
const problem = { model: moduleModel(new URL('beam.ts', import.meta.url)), inputs, outputs: ['deflection'] };
const result = await run(monteCarlo({ ...problem, points: 16_384, replicates: 16 }), { seed: 7 });

// No model run more: the points that are there, with other weights.
const steels = Array.from({ length: 29 }, (_, i) => 130 + 5 * i);
const laws = Object.fromEntries(steels.map((E) => [`E ${E}`, { inputs: { E: logNormalFromMean(E, 0.06) } }]));
const whatIf = reweight({ result, inputs, laws });
const rows = whatIf.laws.map(({ estimate, near, paretoShape }, i) => {
  const [value, error] = [estimate.value[0]!, estimate.standardError[0]!];
  return { E: steels[i]!, value, error, low: estimate.low[0]!, high: estimate.high[0]!, near, paretoShape };
});
for (const { E, value, error } of rows.filter(({ E }) => E === 190 || E === 220))
  console.log(
    `mean deflection with steel of ${E} GPa: ${plusMinus(value, error)} m, exact ${exact(E).toPrecision(6)}`,
  );
const far = rows[0]!;
console.log(
  `steel of ${far.E} GPa is refused: the weights have a tail of shape ${far.paretoShape.toFixed(2)}, above 0.7`,
);

// Farther laws need points of their own: a sample that they share in equal parts.
const perturbations = { E: { means: steels } };
const shared = await run(lawImpact({ ...problem, perturbations, replicates: 16 }), { seed: 7 });
const { value, standardError, low, high } = shared.values;
const own = plusMinus(value[0]!, standardError[0]!);
console.log(`with points of its own for ${far.E} GPa: ${own} m, exact ${exact(far.E).toPrecision(6)}`);

const reach = rows.filter(({ near }) => near).map(({ E }) => E);
const gaps = [
  { from: steels[0]!, to: Math.min(...reach) },
  { from: Math.max(...reach), to: steels[steels.length - 1]! },
].filter(({ from, to }) => to > from);
const column = (name: 'value' | 'low' | 'high'): number[] =>
  rows.map((row) => (row.near ? row[name] : Number.NaN));
const axis = { x: steels, exact: steels.map(exact), xLabel: 'mean stiffness of the steel, GPa' };
save('what-if', 'Mean deflection of a beam if its steel is another', [
  [
    bandChart({
      ...{ ...axis, value: column('value'), low: column('low'), high: column('high'), gaps },
      caption: 'the runs that are there, reweighted (m); shaded: too far, refused; dashed: exact',
    }),
    bandChart({ ...axis, value, low, high, caption: 'points shared by all laws (m); dashed: exact' }),
  ],
]);
