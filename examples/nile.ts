/** Did the Nile carry less water from 1899 on? Evidence for a level that wanders, and for one that starts afresh then. */
import { kalmanFilter, linearGaussian, particleFilter, run, type StateSpaceModel } from 'ensample';
import { readColumns } from './data/read.ts';
import { bandChart } from './figures/band-chart.ts';
import { normalCurve } from './figures/bands.ts';
import { genealogyChart } from './figures/genealogy-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { weightsChart } from './figures/weights-chart.ts';

const nile = readColumns('nile.csv');
const [x, flow] = [nile.year!.map(Number), nile.flow!.map(Number)];
/** A level that takes a random step of this variance every year, seen with the errors of Durbin & Koopman (2001). */
const level = (variance: number) =>
  linearGaussian({
    ...{ transition: 1, transitionCovariance: variance, observationCovariance: 15_099 },
    ...{ initialMean: 1000, initialCovariance: 300 ** 2 },
  });
const [wandering, steady] = [level(1469.1), level(100)];
const renewal = x.indexOf(1899);
const afresh: StateSpaceModel = {
  ...{ dimension: 1, initial: steady.initial, logObservation: steady.logObservation },
  transition: (step, parent, z, next) =>
    step === renewal ? steady.initial(z, next) : steady.transition(step, parent, z, next),
};
const parts = [flow.slice(0, renewal), flow.slice(renewal)].map((part) => kalmanFilter(steady, part));
const settings = { observations: flow, particles: 1000 };
for (const [name, model, exact] of [
  ['wanders', wandering, kalmanFilter(wandering, flow).logNormalizer],
  ['starts afresh', afresh, parts.reduce((sum, { logNormalizer }) => sum + logNormalizer, 0)],
] as const) {
  const { logNormalizer } = await run(particleFilter({ ...settings, model, runs: 16 }), { seed: 7 });
  const found = plusMinus(logNormalizer.value, logNormalizer.standardError);
  console.log(`log evidence, the level ${name}: ${found} (log), exact ${exact.toFixed(3)}`);
}

const told = { ...settings, moments: 'covariance', history: { kind: 'full' } } as const;
const found = await run(particleFilter({ ...told, model: afresh }), { seed: 7 });
/** Twenty years are kept from the second filter. */
const hidden = ({ x: year }: { x: number }): boolean => year > 1930 && year <= 1950;
const points = flow.map((y, t) => ({ x: x[t]!, y, title: `${x[t]}: ${y}` }));
const observations = points.map((point) => (hidden(point) ? null : point.y));
const gappy = await run(particleFilter({ ...told, model: wandering, observations }), { seed: 7 });
const axis = { x, xLabel: 'year' };
const words = 'line and band: filtered level, 95 %; dashed: exact (Kalman); dots: flow';
save('nile', 'Annual flow of the Nile at Aswan, 10\u2078 m\u00b3', [
  bandChart({
    ...{ ...axis, ...normalCurve(found.mean, found.covariance), data: points },
    ...{ exact: parts.flatMap(({ mean }) => [...mean]), events: [{ x: 1899, label: '1899', low: true }] },
    caption: `a level that starts afresh in 1899; ${words}`,
  }),
  bandChart({
    ...{ ...axis, ...normalCurve(gappy.mean, gappy.covariance), data: points.filter((p) => !hidden(p)) },
    ...{ exact: kalmanFilter(wandering, observations).mean, withheld: points.filter(hidden) },
    ...{ caption: `a level that wanders; ${words}; rings: withheld`, gaps: [{ from: 1931, to: 1950 }] },
  }),
  weightsChart({ ...axis, ...found, particles: 1000, threshold: 0.5 }),
  genealogyChart({ ...axis, particles: 1000, ancestors: found.history.frames.map((f) => f.ancestor) }),
]);
