/** What does guidance of strength 3 towards one class sample? Not what its formula says, unless it is corrected. */
import {
  corrector,
  gaussianDenoiser,
  guide,
  mixtureDenoiser,
  quadratureTarget,
  run,
  vpLinear,
} from 'ensample';
import { lawChart, residualChart } from './figures/law-chart.ts';
import { massChart } from './figures/mass-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { binOf, overRuns, sharesByRun } from './figures/weighted.ts';

// Two classes side by side; guidance towards the right one aims at q^-2 (q of the class)^3.
const both = { means: [[-1], [1.2]], covariances: [[[0.81]], [[1]]], weights: [0.6, 0.4] };
const unconditional = mixtureDenoiser(both, vpLinear());
const conditional = gaussianDenoiser({ mean: [1.2], covariance: [[0.81]] }, vpLinear());
const [strength, runs] = [3, 16];
const target = guide(unconditional, conditional, strength);
const settings = { target, particles: 1000, runs, steps: 200 };
const corrected = await run(corrector(settings), { seed: 7 });
const plain = await run(corrector({ ...settings, weights: 'none' }), { seed: 7 });

const factors = { experts: [unconditional, conditional], exponents: [1 - strength, strength] };
const exact = quadratureTarget({ ...factors, low: [-6], high: [10] });
const { value: logZ, standardError } = corrected.logNormalizer;
const found = plusMinus(logZ, standardError);
console.log(`log of the integral of the guided density: ${found}, exact ${exact.logNormalizer.toFixed(4)}`);
/** Shares of bins between edges, of each run. */
const shares = ({ sample }: typeof plain, edges: readonly number[]): number[][] =>
  sharesByRun(sample, runs, edges.length - 1, (i) => binOf(sample.points[i]!, edges));
const cuts = [1.2, 2.2];
const names = ['below 1.2', '1.2 to 2.2', 'above 2.2'];
const ends = [-Infinity, ...cuts, Infinity];
const [good, off] = [corrected, plain].map((result) => overRuns(shares(result, ends)));
const masses = names.map((name, k) => {
  const [value, error] = [good!.value[k]!, good!.error[k]!];
  return { name, exact: exact.masses(0, cuts)[k]!, value, error, uncorrected: off!.value[k]! };
});
for (const { name, value, error, exact: share, uncorrected } of masses) {
  const without = `without correction ${uncorrected.toFixed(3)}`;
  console.log(`share ${name}: ${plusMinus(value, error)} (${without}), exact ${share.toFixed(4)}`);
}

const edges = Array.from({ length: 41 }, (_, i) => -1 + i * 0.125);
const law = {
  ...{ edges, runs: shares(corrected, edges), exact: [...exact.masses(0, edges)].slice(1, -1) },
  uncorrected: overRuns(shares(plain, edges)).value,
  caption: 'bars: corrected; line: exact; dashed: not corrected',
  xLabel: 'x',
};
const caption = 'bars: exact share; dots: corrected, 95 %; crosses: not corrected';
save('guidance', 'Guidance of strength 3 towards one of two classes', [
  lawChart(law),
  residualChart(law),
  massChart({ masses, caption, xLabel: 'x' }),
]);
