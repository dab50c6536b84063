import { bandChart } from '../../examples/figures/band-chart.ts';
import type { Figure } from '../../examples/figures/frame.ts';
import { genealogyChart } from '../../examples/figures/genealogy-chart.ts';
import { NARROW, page, WIDE } from '../../examples/figures/page.ts';
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
