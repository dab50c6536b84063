import type { ClusterProgress } from '../estimators/cluster.ts';
import { count, duration, rate } from './format/number.ts';
import { counted } from './format/words.ts';
import { type Progress, type Stage, shorten, type Unit, widestText } from './progress.ts';
import type { Stream } from './terminal.ts';

/* Lines about a run on a cluster: how far, how fast, who works, what was lost, how long. */

/** A line that is redrawn on a terminal; elsewhere a line a minute; with `quiet` nothing. */
export interface ClusterLine {
  show(told: ClusterProgress): void;
  /** Model runs a second so far; NaN when nothing is known. */
  speed(): number;
  /** '41 shards on redis://127.0.0.1:6379 (2 threads)'; of a method that goes by batches, 'Model on ...'. */
  ran(place: string): string;
  /** Erase the line, until something is shown again. */
  end(): void;
}

/** Milliseconds between lines. */
const REDRAW = { terminal: 250, plain: 60_000 };

/** The line about shards of a run. */
export function shardLine(err: Stream, quiet: boolean, leader: () => string | undefined): ClusterLine {
  const cut = (total: number | undefined): string =>
    total === undefined ? 'Shards' : counted(total, count(total), 'shard');
  return makeLine(err, quiet, cut, (told, speed) => clusterLine(told, speed, leader()));
}

/** The line about a method whose model a cluster evaluates, batch after batch. */
export interface BatchLine extends ClusterLine, Progress {}

/** The line of the method's own progress, with that of its batch. */
export function batchLine(
  err: Stream,
  quiet: boolean,
  unit: Unit,
  leader: () => string | undefined,
): BatchLine {
  let stage: Stage | undefined;
  const model = (): string => 'Model';
  const line = makeLine(err, quiet, model, (told, speed) => {
    const { done = 0, total, widest = Number.NaN } = stage ?? {};
    const share = total === undefined ? [] : [`${Math.floor((100 * done) / total)} %`];
    const own = [...share, `${count(done)} ${unit.word}`];
    const of = `batch ${count(told.done)} of ${counted(told.total, count(told.total), 'shard')}`;
    return [
      ...own,
      of,
      ...pauseParts(told),
      ...fleetParts(told, speed, leader()),
      widestText(widest, unit, err.look.utf8),
    ].join('  ');
  });
  return {
    ...line,
    update(now) {
      stage = now;
    },
  };
}

/** Between two reports of the cluster the time that is left goes on. */
function makeLine(
  err: Stream,
  quiet: boolean,
  what: (total: number | undefined) => string,
  text: (told: ClusterProgress, speed: number) => string,
): ClusterLine {
  const animated = err.isTerminal && process.env.TERM !== 'dumb';
  let first: { readonly evaluations: number; readonly at: number } | undefined;
  let last: ClusterProgress | undefined;
  let total: number | undefined;
  let [at, drawn, speed, threads] = [0, false, Number.NaN, 0];
  const draw = (): void => {
    if (last === undefined) return;
    const { eta } = last;
    const left = eta === undefined ? undefined : Math.max(0, eta - (performance.now() - at));
    const line = text({ ...last, eta: left }, speed);
    err.write(animated ? `\r${shorten(line, err.look.width - 1)}\x1b[K` : `${line}\n`);
    drawn = animated;
  };
  if (!quiet) setInterval(draw, animated ? REDRAW.terminal : REDRAW.plain).unref();
  return {
    speed: () => speed,
    ran: (place) =>
      `${what(total)} on ${place}${threads === 0 ? '' : ` (${counted(threads, count(threads), 'thread')})`}`,
    show(told) {
      const paused = told.waiting !== last?.waiting;
      [last, at] = [told, performance.now()];
      // A line a minute would keep a pause to itself.
      if (paused && !animated && !quiet) draw();
      threads = Math.max(threads, told.workers);
      if (told.pilot === true) return;
      total = told.total;
      first ??= { evaluations: told.evaluations, at };
      speed = (1000 * (told.evaluations - first.evaluations)) / (at - first.at);
    },
    end() {
      if (drawn) err.write('\r\x1b[K');
      [drawn, last] = [false, undefined];
    },
  };
}

/** '53 %  212 of 400 shards  106 000 runs  1.9 M/s  4 threads  3 retried  12 s left' */
export function clusterLine(told: ClusterProgress, speed: number, leader?: string): string {
  const { done, total, evaluations, pilot = false } = told;
  const of = `${count(done)} of ${counted(total, count(total), 'shard')}`;
  const far = pilot
    ? ['measuring', of, ...pauseParts(told)]
    : [`${Math.floor((100 * done) / total)} %`, of, ...pauseParts(told), `${count(evaluations)} runs`];
  return [...far, ...fleetParts(told, speed, leader)].join('  ');
}

/** 'waiting: Redis at redis://127.0.0.1:6379 is full' */
function pauseParts({ waiting }: ClusterProgress): readonly string[] {
  return waiting === undefined ? [] : [`waiting: ${waiting}`];
}

function fleetParts(
  { done, total, workers, retried, duplicates, eta, pilot = false }: ClusterProgress,
  speed: number,
  leader: string | undefined,
): readonly string[] {
  return [
    ...(speed > 0 ? [rate(speed)] : []),
    workers === 0 ? (done > 0 ? 'no worker' : 'no worker yet') : counted(workers, count(workers), 'thread'),
    ...(retried > 0 ? [`${count(retried)} retried`] : []),
    ...(duplicates > 0 ? [`${count(duplicates)} twice`] : []),
    ...(eta === undefined || done === total || pilot ? [] : [`${duration(eta / 1000)} left`]),
    ...(leader === undefined ? [] : [`led by ${leader}, watching`]),
  ];
}
