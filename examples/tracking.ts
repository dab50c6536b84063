/** Where was hurricane Gladys while nobody looked? A track with gaps, from the past alone and from both sides. */
import {
  kalmanSmoother,
  linearGaussian,
  optimalProposal,
  particleFilter,
  particleSmoother,
  run,
} from 'ensample';
import { readColumns } from './data/read.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { trackChart } from './figures/track-chart.ts';

const { time, ...seen } = readColumns('gladys.csv');
/** Three stretches of a day or more are kept from the filter; in the last one the storm turned. */
const hidden = time!.map((_, t) => (t > 8 && t < 13) || (t > 20 && t < 26) || (t > 32 && t < 38));
const turn = time!.indexOf('1975-10-01T12:00Z');
const square = (...cells: number[]): number[][] => [cells.slice(0, 2), cells.slice(2)];

/** One axis: degrees, and degrees in six hours, a speed that changes by white noise of variance q. */
async function follow(axis: string, q: number, initialMean: readonly number[]) {
  const degrees = seen[axis]!.map(Number);
  const observations = degrees.map((y, t) => (hidden[t] ? null : y));
  const model = linearGaussian({
    ...{ transition: square(1, 1, 0, 1), transitionCovariance: square(q / 3, q / 2, q / 2, q) },
    ...{ observation: [[1, 0]], observationCovariance: 0.01 },
    ...{ initialMean, initialCovariance: square(0.25, 0, 0, 0.25) },
  });
  const settings = { model, observations, proposal: optimalProposal(model), particles: 1000, runs: 16 };
  const filter = await run(particleFilter({ ...settings, moments: 'covariance' }), { seed: 7 });
  const { mean, variance } = await run(particleSmoother({ ...settings, paths: 500 }), { seed: 7 });
  const exact = kalmanSmoother(model, observations);
  const told = plusMinus(filter.logNormalizer.value, filter.logNormalizer.standardError);
  console.log(`log evidence, ${axis}: ${told} (log), exact ${exact.logNormalizer.toFixed(3)}`);
  const place = plusMinus(mean.value[2 * turn]!, mean.standardError[2 * turn]!);
  console.log(
    `${axis} at the turn: ${place}, exact ${exact.mean[2 * turn]!.toFixed(3)}; seen ${degrees[turn]}`,
  );
  const at = (values: Float64Array, stride: number) => (t: number) => values[stride * t]!;
  const filtered = { mean: at(filter.mean, 2), variance: at(filter.covariance, 4) };
  return { degrees, filtered, smoothed: { mean: at(mean.value, 2), variance: at(variance.value, 2) } };
}
const east = await follow('longitude', 0.5, [-35, -1]);
const north = await follow('latitude', 0.2, [10, 0.5]);

const fixes = time!.map((title, t) => ({ title, longitude: east.degrees[t]!, latitude: north.degrees[t]! }));
const path = (kind: 'filtered' | 'smoothed') =>
  fixes.map((_, t) => ({
    ...{ longitude: east[kind].mean(t), longitudeVariance: east[kind].variance(t) },
    ...{ latitude: north[kind].mean(t), latitudeVariance: north[kind].variance(t) },
  }));
const chart = (kind: 'filtered' | 'smoothed', words: string) => {
  const caption = `${words}; dots: fixes, rings: fixes withheld, ellipses: two standard deviations`;
  return trackChart({ fixes, hidden, path: path(kind), frame: path('filtered'), caption });
};
save('tracking', 'Hurricane Gladys, 22 September to 4 October 1975', [
  [chart('filtered', 'known at the time (filter)'), chart('smoothed', 'known afterwards (smoother)')],
]);
