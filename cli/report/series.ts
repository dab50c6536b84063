import type { OutputIndices, SobolResult } from '../../estimators/index.ts';
import type { ReportInput, SeriesNote } from './input.ts';

/** Outputs along an axis, as the charts need them; T positions, D inputs. */
export interface Series {
  readonly note: SeriesNote;
  readonly outputs: readonly OutputIndices[];
  /** [T] standard deviation of the output. */
  readonly deviation: readonly number[];
  /** [T] False where the variance is below 1e-6 of its maximum, so that indices would be noise over noise. */
  readonly alive: readonly boolean[];
}

/** Outputs beyond this many are drawn as a series over their number even when nobody said that they are one. */
const MANY = 12;
const DEAD = 1e-6;

/** The outputs as a series, or undefined when they are separate quantities. */
export function seriesOf(input: ReportInput): Series | undefined {
  const { outputs } = input.result;
  const note = input.series ?? (outputs.length > MANY ? numbered(input.result) : undefined);
  if (note === undefined || outputs.length < 2) return undefined;
  const largest = Math.max(...outputs.map(({ variance }) => (Number.isFinite(variance) ? variance : 0)));
  return {
    note,
    outputs,
    deviation: outputs.map(({ variance }) => Math.sqrt(variance)),
    alive: outputs.map(({ variance, constant }) => !constant && variance > DEAD * largest),
  };
}

function numbered(result: SobolResult): SeriesNote {
  return { name: 'output', axis: 'number of the output', at: result.outputs.map((_, i) => i + 1) };
}

/** Largest ST of one input over the positions where the output varies; -1 when there is none. */
export function peak(series: Series, input: number): number {
  let best = -1;
  series.outputs.forEach(({ totalOrder }, t) => {
    const value = totalOrder.value[input]!;
    if (!series.alive[t] || Number.isNaN(value)) return;
    if (best < 0 || value > series.outputs[best]!.totalOrder.value[input]!) best = t;
  });
  return best;
}
