import { bandChart } from '../../examples/figures/band-chart.ts';
import { errorChart } from '../../examples/figures/error-chart.ts';
import { forestChart } from '../../examples/figures/forest-chart.ts';
import type { Figure } from '../../examples/figures/frame.ts';
import { genealogyChart } from '../../examples/figures/genealogy-chart.ts';
import { lawChart, residualChart } from '../../examples/figures/law-chart.ts';
import { massChart } from '../../examples/figures/mass-chart.ts';
import { NARROW, page, WIDE } from '../../examples/figures/page.ts';
import { sampleChart } from '../../examples/figures/sample-chart.ts';
import { trackChart } from '../../examples/figures/track-chart.ts';
import { weightsChart } from '../../examples/figures/weights-chart.ts';

const STEPS = 60;
const N = 200;
const steps = Array.from({ length: STEPS }, (_, t) => t);
const resampled = steps.map((t) => t % 4 === 3);
/** Slot i descends from slot i - i % 4 wherever somebody was resampled. */
const ancestors = resampled.map((yes) =>
  yes ? Uint32Array.from({ length: N }, (_, i) => i - (i % 4)) : undefined,
);
const wave = steps.map((t) => Math.sin(t / 7));
const weird = `<b> & "two" \u0001 'x'`;

/** Shares of five bins in four runs, one bin never met. */
const law = {
  caption: `bars: found ${weird}`,
  xLabel: weird,
  edges: [0, 1, 2, 3, 4, 5],
  runs: [0, 1, 2, 3].map((r) => [0.1, 0.2 + r / 100, 0.4 - r / 100, 0.3, 0]),
  exact: [0.1, 0.22, 0.38, 0.29, 0.01],
  uncorrected: [0.3, 0.3, 0.2, 0.1, 0.1],
};
const mass = (name: string) => ({ name, exact: 0.2, value: 0.21, error: 0.02, uncorrected: 0.4 });

/** Every kind of chart, with names that look like markup and numbers that are missing. */
export const FIGURES: Readonly<Record<string, Figure>> = {
  band: bandChart({
    caption: `line: estimate, band: 95 %, dashed: exact, dots: data ${weird}`,
    xLabel: weird,
    x: steps,
    value: wave.map((y, t) => (t === 30 ? Number.NaN : y)),
    low: wave.map((y) => y - 0.3),
    high: wave.map((y, t) => (t === 31 ? Number.POSITIVE_INFINITY : y + 0.3)),
    exact: wave,
    data: wave.map((y, x) => ({ x, y: y + (x % 3) / 5, title: weird })),
    withheld: [{ x: 10, y: 0 }],
    gaps: [{ from: 8, to: 12 }],
    events: [{ x: 28, label: weird }],
  }),
  levels: bandChart({
    caption: 'probability of more than a level',
    xLabel: 'level',
    x: [1, 2, 3, 4],
    value: [0.1, 1e-2, 1e-4, 1e-6],
    yScale: 'log',
  }),
  weights: weightsChart({
    particles: N,
    ess: steps.map((t) => (t === 38 ? 5 : 60 + 2 * (t % 50))),
    resampled,
    threshold: 0.5,
  }),
  genealogy: genealogyChart({ particles: N, ancestors }),
  sample: sampleChart({
    caption: `dots: found ${weird}`,
    points: Float64Array.from({ length: 9000 }, (_, i) => 3 * Math.sin(i * (i % 7))),
    logDensity: (x, out) => {
      for (let i = 0; i < out.length; i++) out[i] = -(x[2 * i]! ** 2) - x[2 * i + 1]! ** 2;
    },
    x: [-2, 2],
    y: [-1, 2],
    xLabel: weird,
  }),
  law: lawChart(law),
  residual: residualChart(law),
  mass: massChart({ caption: 'bars: exact', masses: ['left', weird, 'right'].map(mass), xLabel: weird }),
  masses: massChart({ caption: 'bars: exact', masses: steps.map((k) => mass(`mode ${k}`)), xLabel: weird }),
  forest: forestChart({
    caption: 'dots: found, 95 %; line: exact',
    rows: [
      { name: 'corrected', value: 0.98, error: 0.01 },
      { name: weird, value: 1.3, error: Number.NaN },
    ],
    exact: 1,
    xLabel: weird,
  }),
  errors: errorChart({
    caption: 'error by cost',
    xLabel: 'evaluations',
    lines: ['euler', 'a longer name', weird].map((name, k) => ({
      name,
      points: [8, 16, 32].map((cost) => ({ cost, error: cost ** -(1 + k / 9) })),
    })),
  }),
  track: trackChart({
    caption: 'dots: fixes, rings: withheld',
    fixes: steps.map((t) => ({ longitude: -40 - t / 3, latitude: 10 + t / 2, title: weird })),
    hidden: steps.map((t) => t > 20 && t < 25),
    path: steps.map((t) => ({
      longitude: -40 - t / 3,
      latitude: 10 + t / 2,
      longitudeVariance: t,
      latitudeVariance: 1,
    })),
  }),
};

/** Each chart alone on a page of either width, by name. */
export const PAGES: readonly [string, string][] = Object.entries(FIGURES).flatMap(([name, draw]) =>
  [WIDE, NARROW].map((width): [string, string] => [
    `${name} at ${width} px`,
    page(`Title ${weird}`, [[draw(width - 16)]]),
  ]),
);
