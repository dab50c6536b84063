import type { OutputIndices, SobolResult } from '../../estimators/index.ts';
import type { ReportInput, SeriesNote } from './input.ts';

/** Outputs along an axis, as the charts need them; T positions, D inputs. */
export interface Series {
  readonly note: SeriesNote;
  /** Whether the axis was declared; else it counts the outputs. */
  readonly declared: boolean;
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
    declared: input.series !== undefined,
    outputs,
    deviation: outputs.map(({ variance }) => Math.sqrt(variance)),
    alive: outputs.map(({ variance, constant }) => !constant && variance > DEAD * largest),
  };
}

function numbered(result: SobolResult): SeriesNote {
  return { name: 'each output', axis: 'output number', at: result.outputs.map((_, i) => i + 1) };
}

/** Where position t is: '9 h', or the name of the output; without its unit when not `long`. */
export function placeOf({ note, declared, outputs }: Series, t: number, long: boolean): string {
  if (!declared) return outputs[t]!.name;
  const at = String(Number(note.at[t]!.toPrecision(4)));
  return long && note.axisUnit !== undefined ? `${at} ${note.axisUnit}` : at;
}

/** Where the largest ST of one input is, over the positions where the output varies; -1 when nowhere. */
export function peak(series: Series, input: number): number {
  let best = -1;
  series.outputs.forEach(({ totalOrder }, t) => {
    const value = totalOrder.value[input]!;
    if (!series.alive[t] || Number.isNaN(value)) return;
    if (best < 0 || value > series.outputs[best]!.totalOrder.value[input]!) best = t;
  });
  return best;
}
