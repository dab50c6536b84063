/** Did cold damage the O-rings of the space shuttle? Evidence from 23 flights for risk with and without temperature. */
import { normal, run, smcSampler } from 'ensample';
import { readColumns } from './data/read.ts';
import { bandChart } from './figures/band-chart.ts';
import { sampleCurve } from './figures/bands.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';

const flights = readColumns('shuttle.csv');
const degrees = flights.temperature!.map(Number);
const distress = flights.distress!.map(Number);
const risk = (intercept: number, slope: number, fahrenheit: number): number =>
  1 / (1 + Math.exp(-intercept - (slope * (fahrenheit - 70)) / 7));
const likelihood = (intercept: number, slope: number): number =>
  degrees.reduce((all, f, i) => all * Math.abs(1 - distress[i]! - risk(intercept, slope, f)), 1);
const prior = normal(0, 2.5);

const evidence = (slopes: boolean) => {
  const logLikelihood = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++)
      out[i] = Math.log(slopes ? likelihood(x[2 * i]!, x[2 * i + 1]!) : likelihood(x[i]!, 0));
  };
  const laws = { intercept: prior, ...(slopes && { slope: prior }) };
  return run(smcSampler({ prior: laws, logLikelihood, particles: 256, runs: 16 }), { seed: 7 });
};
const [flat, sloped] = [await evidence(false), await evidence(true)];

// Exact by the midpoint rule over eight standard deviations of the prior to either side.
const nodes = Array.from({ length: 80 }, (_, i) => (i - 39.5) / 2);
const mass = nodes.map((a) => Math.exp(prior.logDensity(a)) / 2);
const sum = (f: (a: number) => number): number => nodes.reduce((all, a, i) => all + mass[i]! * f(a), 0);
const exactFlat = sum((a) => likelihood(a, 0));
const exactSloped = sum((a) => sum((b) => likelihood(a, b)));
const x = Array.from({ length: 27 }, (_, i) => 30 + 2 * i);
const exact = x.map((f) => sum((a) => sum((b) => likelihood(a, b) * risk(a, b, f))) / exactSloped);

const show = (name: string, found: { value: number; standardError: number }, truth: number): void =>
  console.log(`${name}: ${plusMinus(found.value, found.standardError)}, exact ${truth.toFixed(3)}`);
show('log evidence without temperature', flat.logNormalizer, Math.log(exactFlat));
show('log evidence with temperature', sloped.logNormalizer, Math.log(exactSloped));
const value = Math.exp(sloped.logNormalizer.value - flat.logNormalizer.value);
const standardError =
  value * Math.hypot(sloped.logNormalizer.standardError, flat.logNormalizer.standardError);
show('evidence ratio for temperature', { value, standardError }, exactSloped / exactFlat);

const { points, logWeight } = sloped.sample;
const risks = (f: number): Float64Array =>
  logWeight.map((_, i) => risk(points[2 * i]!, points[2 * i + 1]!, f));
/** Flights with one temperature and fate stand over one another. */
const below = (i: number): number =>
  degrees.filter((f, j) => j < i && f === degrees[i] && distress[j] === distress[i]).length;
const data = degrees.map((f, i) => ({ x: f, y: distress[i]! + 0.03 * below(i) }));
save('logistic-evidence', 'Risk that an O-ring of the space shuttle is damaged', [
  bandChart({
    ...{ x, exact, data, ...sampleCurve(x, logWeight, risks), xLabel: 'degrees Fahrenheit at launch' },
    caption: 'line: mean risk, band: 95 %, dashed: exact; dots: flights with damage (1) and without (0)',
    events: [{ x: 31, label: '31: forecast for the last flight', low: true }],
  }),
]);
