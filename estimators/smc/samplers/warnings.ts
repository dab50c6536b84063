import { spaced } from '../../../engine/check.ts';
import { largestWeight } from '../../../engine/particles/log-weight.ts';
import type { Sample } from '../../../engine/sampler.ts';
import type { Warning } from '../../../engine/types.ts';
import type { PopulationPlan } from './plan.ts';
import type { Row } from './population-sampler.ts';

/** Acceptance below which moves hardly move. */
const RARE = 0.05;
/** Particles that count, as a share of all, below which averages at a target rest on few. */
const THIN = 0.05;
/** Share of one particle in the final weight above which the sample is nearly a point. */
const HEAVY = 0.5;

/** What moving populations have to say about themselves. `rows`: the targets of each run. */
export function populationWarnings(
  rows: readonly (readonly Row[])[],
  { logWeight }: Sample,
  { particles }: PopulationPlan,
): Warning[] {
  const all = rows.flat();
  return [...rejected(all), ...thin(all, particles), ...oneWeight(logWeight)];
}

/** Runs whose particles all died count as Z = 0. */
export function collapse(dead: number, { runs, particles }: PopulationPlan): Warning[] {
  if (dead === 0) return [];
  const who =
    runs === 1
      ? `None of ${spaced(particles)} particles has a positive likelihood, so log Z is -Infinity.`
      : `${dead} of ${runs} runs lost all their particles and count as Z = 0.`;
  const advice = 'Use more particles, or a prior that reaches where the likelihood is.';
  return [{ code: 'collapse', message: `${who} ${advice}`, value: dead, threshold: 0 }];
}

function rejected(rows: readonly Row[]): Warning[] {
  const moved = rows.filter(({ moves }) => moves > 0);
  const rare = moved.filter(({ acceptance }) => acceptance < RARE);
  if (rare.length === 0) return [];
  const worst = rare.reduce((a, b) => (b.acceptance < a.acceptance ? b : a));
  return [
    {
      code: 'moves-rejected',
      message: `At ${rare.length} of ${moved.length} targets moves were hardly accepted, ${percent(worst.acceptance)} at the worst (warned below 5 %), so copies stay together. Use another kernel, or smaller steps.`,
      value: worst.acceptance,
      threshold: RARE,
    },
  ];
}

function thin(rows: readonly Row[], particles: number): Warning[] {
  const few = rows.filter(({ ess }) => ess > 0 && ess < THIN * particles);
  if (few.length === 0) return [];
  const worst = few.reduce((a, b) => (b.ess < a.ess ? b : a));
  const counted = spaced(Math.max(1, Math.round(worst.ess)));
  const others = few.length === 1 ? '' : ` ${few.length} targets are like this.`;
  return [
    {
      code: 'thin-weights',
      message: `At target ${Number(worst.target.toPrecision(3))} only ${counted} of ${spaced(particles)} particles counted (${percent(worst.ess / particles)}, warned below 5 %), and the next ones descend from those few.${others} Put targets closer together.`,
      value: worst.ess / particles,
      threshold: THIN,
    },
  ];
}

function oneWeight(logWeight: Float64Array): Warning[] {
  const share = largestWeight(logWeight);
  if (!(share > HEAVY)) return [];
  return [
    {
      code: 'one-weight',
      message: `One particle holds ${percent(share)} of the final weight (warned above 50 %). The sample is nearly a single point.`,
      value: share,
      threshold: HEAVY,
    },
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
