/** Can a diffusion model of forty modes be sampled at a third of its temperature? With a correction, and without. */
import { anneal, corrector, exactTarget, mixtureDenoiser, run, veGeometric } from 'ensample';
import { cellMasses, cellOf, forty } from './data/forty-modes.ts';
import { massChart } from './figures/mass-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { CONTOURS, sampleChart } from './figures/sample-chart.ts';
import { evenDraws, overRuns, sharesByRun } from './figures/weighted.ts';
import { weightsChart } from './figures/weights-chart.ts';

const [beta, particles, runs] = [3, 500, 16];
const model = mixtureDenoiser(forty, veGeometric({ smallest: 0.01, largest: 10 }));
const settings = { target: anneal(model, beta), particles, runs, steps: 200 };
const corrected = await run(corrector(settings), { seed: 7 });
// Scores times beta, and no weights: what is often done.
const plain = await run(corrector({ ...settings, weights: 'none' }), { seed: 7 });

const exact = exactTarget({ experts: [forty], exponents: [beta] });
const { value: logZ, standardError } = corrected.logNormalizer;
const found = plusMinus(logZ, standardError);
console.log(`log of the integral of q^3: ${found}, exact ${exact.logNormalizer.toFixed(4)}`);
for (const [c, name] of corrected.mean.names.entries()) {
  const mean = plusMinus(corrected.mean.value[c]!, corrected.mean.standardError[c]!);
  console.log(`mean of ${name}: ${mean}, exact ${exact.mean[c]!.toFixed(4)}`);
}
const [masses, off] = [corrected, plain].map(({ sample }) =>
  overRuns(sharesByRun(sample, runs, 40, (i) => cellOf(sample.points, i))),
);
const variation = ({ value }: { value: number[] }): string =>
  (value.reduce((sum, mass, k) => sum + Math.abs(mass - cellMasses[k]!), 0) / 2).toFixed(3);
console.log(
  `total variation of the masses of the modes: ${variation(masses!)}, without correction ${variation(off!)}`,
);

const frame = {
  ...{ x: [-1, 1] as const, y: [-1, 1] as const, xLabel: CONTOURS },
  logDensity: (rows: Float64Array, out: Float64Array) => {
    model.logDensity!(rows, 0, out);
    for (let i = 0; i < out.length; i++) out[i]! *= beta;
  },
};
save('tempered-modes', 'Forty modes at a third of their temperature', [
  [
    sampleChart({ ...frame, points: evenDraws(corrected.sample, 4000), caption: 'dots: corrected' }),
    sampleChart({ ...frame, points: evenDraws(plain.sample, 4000), caption: 'dots: not corrected' }),
  ],
  massChart({
    caption: 'bars: exact mass of each mode; dots: corrected, 95 %; crosses: not corrected',
    masses: cellMasses.map((mass, k) => ({
      ...{ name: `mode ${k + 1}`, exact: mass, value: masses!.value[k]!, error: masses!.error[k]! },
      uncorrected: off!.value[k]!,
    })),
    xLabel: 'mode',
  }),
  weightsChart({ particles, threshold: 0.5, ...corrected.trace }),
]);
