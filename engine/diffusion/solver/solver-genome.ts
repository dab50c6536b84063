import type { Stream } from '../../random/rng.ts';
import { type Grid, gridPoint } from '../grid.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { analyticFirstStep } from './ends.ts';
import type { Integrator } from './program.ts';
import type { DerivativeRule, SolverRecord } from './solver-schedule.ts';
import { solverSchedule } from './solver-schedule.ts';

/*
 * Solver schedules as individuals of an evolutionary search: the times between two ends, a record for every step, and
 * whether the first evaluation is replaced by what is known of noise.
 */

export interface Genome {
  /** [N + 1] falling; the ends stay. */
  readonly times: readonly number[];
  /** [N] */
  readonly records: readonly SolverRecord[];
  readonly analyticStart: boolean;
}

/** How a genome is read. */
export interface GenomeSolver {
  readonly grid: Grid;
  readonly integrator: Integrator;
}

export function solverOf(schedule: NoiseSchedule, { times, records, analyticStart }: Genome): GenomeSolver {
  const integrator = solverSchedule(records);
  return {
    grid: { name: 'searched', schedule, points: times.map((time) => gridPoint(schedule, time)) },
    integrator: analyticStart ? analyticFirstStep(integrator) : integrator,
  };
}

/** Model evaluations: one a step, one more for every correction that is evaluated again. */
export function costOf({ records, analyticStart }: Genome): number {
  const again = records.filter(({ corrector }) => corrector?.again === true).length;
  return records.length + again - (analyticStart ? 1 : 0);
}

/** Chances and spreads of mutations, as released with Liu et al. (2024). */
const INSERT = 0.2;
const DELETE = 0.2;
const DECISION = 0.3;
const TIME_SPREAD = 0.08;
const RELAXATION_SPREAD = 0.03;
/** Of orders 1 to 4. */
const ORDER_CHANCES = [0.2, 0.4, 0.3, 0.1] as const;

/** Steps of the first up to a time, then those of the second. */
export function crossed(first: Genome, second: Genome, stream: Stream): Genome {
  const cut = first.times[stream.below(first.times.length - 1)]!;
  const head = first.times.filter((time) => time >= cut);
  const tail = second.times.filter((time) => time < cut);
  const times = [...head, ...tail];
  const late = second.records.slice(second.records.length - tail.length);
  const records = [...first.records.slice(0, head.length - 1), ...late];
  return settled({ times, records, analyticStart: first.analyticStart });
}

/** A changed copy. */
export function mutated(genome: Genome, stream: Stream): Genome {
  const chance = (p: number): boolean => stream.uniform() < p;
  let times = [...genome.times];
  let records = [...genome.records];
  if (chance(INSERT)) {
    const at = stream.below(records.length);
    const share = stream.uniform();
    times.splice(at + 1, 0, times[at]! + share * (times[at + 1]! - times[at]!));
    records.splice(at, 0, records[at]!);
  }
  if (chance(DELETE) && records.length > 2) ({ times, records } = without(times, records, stream));
  const last = times.length - 1;
  times = times.map((time, i) =>
    i > 0 && i < last && chance(DECISION) ? time * (1 + TIME_SPREAD * stream.normal()) : time,
  );
  records = records.map((record) => changed(record, stream, chance));
  const analyticStart = chance(0.1) ? !genome.analyticStart : genome.analyticStart;
  return settled({ times, records, analyticStart });
}

function changed(record: SolverRecord, stream: Stream, chance: (p: number) => boolean): SolverRecord {
  let { prediction, order, derivatives, corrector } = record;
  if (chance(DECISION)) prediction = stream.uniform() < 0.5 ? 'clean' : 'noise';
  if (chance(DECISION)) {
    order = drawOrder(stream);
    derivatives = undefined;
  }
  if (order > 1 && chance(DECISION)) derivatives = rules(order, derivatives?.[0], stream);
  if (chance(DECISION)) corrector = chance(0.5) ? undefined : { order: Math.min(4, order + 1) };
  if (corrector !== undefined && chance(0.1)) corrector = { ...corrector, again: corrector.again !== true };
  return { prediction, order, ...(derivatives && { derivatives }), ...(corrector && { corrector }) };
}

function drawOrder(stream: Stream): number {
  const u = stream.uniform();
  let sum = 0;
  for (let k = 0; k < ORDER_CHANCES.length; k++) {
    sum += ORDER_CHANCES[k]!;
    if (u < sum) return k + 1;
  }
  return ORDER_CHANCES.length;
}

/** Points of each derivative, and a relaxation of the first that drifts when it is linear. */
function rules(order: number, first: DerivativeRule | undefined, stream: Stream): DerivativeRule[] {
  const named = ['taylor', 'half', 'linear', 'grow', 'shrink', 0] as const;
  const before = first?.relaxation;
  const relaxation =
    typeof before === 'number' && stream.uniform() < 0.5
      ? before + RELAXATION_SPREAD * stream.normal()
      : named[stream.below(named.length)]!;
  return Array.from({ length: order - 1 }, (_, k): DerivativeRule => {
    const points = k + 1 + stream.below(order - 1 - k);
    return k === 0 ? { points, relaxation } : { points };
  });
}

/** Times in order and apart, no corrector on the last step, and no step of which the end is the start. */
function settled({ times, records, analyticStart }: Genome): Genome {
  const [start, end] = [times[0]!, times[times.length - 1]!];
  const gap = 1e-3 * (start - end);
  const inner = times
    .slice(1, -1)
    .sort((a, b) => b - a)
    .filter(
      (time, i, all) => time < start - gap && time > end + 1e-3 * end && (i === 0 || time < all[i - 1]!),
    );
  const kept = records.slice(0, inner.length + 1);
  const { corrector: _, ...last } = kept[kept.length - 1]!;
  return { times: [start, ...inner, end], records: [...kept.slice(0, -1), last], analyticStart };
}

/** A genome that costs at most `evaluations`, by leaving out steps and second evaluations at random. */
export function affordable(genome: Genome, evaluations: number, stream: Stream): Genome {
  let { times, records } = genome;
  while (costOf({ ...genome, records }) > evaluations) {
    const again = records.findIndex(({ corrector }) => corrector?.again === true);
    if (again >= 0) {
      const { again: _, ...corrector } = records[again]!.corrector!;
      records = records.with(again, { ...records[again]!, corrector });
    } else ({ times, records } = without(times, records, stream));
  }
  return settled({ ...genome, times, records });
}

function without(
  times: readonly number[],
  records: readonly SolverRecord[],
  stream: Stream,
): { times: number[]; records: SolverRecord[] } {
  const at = 1 + stream.below(times.length - 2);
  return { times: times.toSpliced(at, 1), records: records.toSpliced(at, 1) };
}
