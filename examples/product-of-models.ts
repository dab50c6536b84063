/** What do two diffusion models agree on? Points that both find likely: the product of their densities. */
import { corrector, exactTarget, mixtureDenoiser, product, run, vpLinear } from 'ensample';
import { massChart } from './figures/mass-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { CONTOURS, sampleChart } from './figures/sample-chart.ts';
import { evenDraws, overRuns, sharesByRun } from './figures/weighted.ts';

// One model knows three columns, the other three rows; they agree best along a diagonal.
const places = [-1.6, 0, 1.6];
const weights = [0.5, 0.2, 0.3];
const pair = (x: number, y: number): number[][] => [
  [x, 0],
  [0, y],
];
const columns = {
  means: places.map((x) => [x, -x]),
  covariances: places.map(() => pair(0.12, 0.8)),
  weights,
};
const rows = { means: places.map((y) => [-y, y]), covariances: places.map(() => pair(0.8, 0.1)), weights };
const models = [columns, rows].map((mixture) => mixtureDenoiser(mixture, vpLinear()));
const runs = 16;
const settings = { target: product(models), particles: 500, runs, steps: 200 };
const corrected = await run(corrector(settings), { seed: 7 });
// Scores added, and no weights: what is often done.
const plain = await run(corrector({ ...settings, weights: 'none' }), { seed: 7 });

const exact = exactTarget({ experts: models, exponents: [1, 1] });
const { value: logZ, standardError } = corrected.logNormalizer;
const found = plusMinus(logZ, standardError);
console.log(`log of the integral of the product: ${found}, exact ${exact.logNormalizer.toFixed(4)}`);
const cuts = [-0.8, 0.8];
const truth = exact.masses(0, cuts);
const [shares, off] = [corrected, plain].map(({ sample }) =>
  overRuns(sharesByRun(sample, runs, 3, (i) => cuts.filter((cut) => cut < sample.points[2 * i]!).length)),
);
const masses = ['left', 'middle', 'right'].map((name, k) => {
  const [value, error] = [shares!.value[k]!, shares!.error[k]!];
  return { name, exact: truth[k]!, value, error, uncorrected: off!.value[k]! };
});
for (const { name, value, error, exact: share, uncorrected } of masses) {
  const without = `without correction ${uncorrected.toFixed(3)}`;
  console.log(`share on the ${name}: ${plusMinus(value, error)} (${without}), exact ${share.toFixed(4)}`);
}

const frame = { x: [-3, 3], y: [-3, 3], xLabel: CONTOURS, logDensity: exact.law.logDensity } as const;
save('product-of-models', 'What two models agree on: the product of their densities', [
  [
    sampleChart({ ...frame, points: evenDraws(corrected.sample, 4000), caption: 'dots: corrected' }),
    sampleChart({ ...frame, points: evenDraws(plain.sample, 4000), caption: 'dots: not corrected' }),
  ],
  massChart({
    ...{ masses, xLabel: 'column' },
    caption: 'bars: exact share; dots: corrected, 95 %; crosses: not corrected',
  }),
]);
