import { type Backend, iterate, type Progress, type Result, type Sampler } from '../estimators/index.ts';
import type { Interrupt } from './interrupt.ts';
import type { Stage } from './progress.ts';

export interface Watch<R> {
  readonly seed: number;
  readonly backend: Backend;
  readonly from: Uint8Array | undefined;
  readonly replicates: number;
  /** Keep the state, for --resume. */
  readonly keep: boolean;
  readonly interrupt: Interrupt;
  /** Width of the least certain number of an answer, as progress shows it; NaN where there is none. */
  readonly widest: (result: R) => number;
  readonly update: (stage: Stage) => void;
  readonly stopping: () => void;
  /** Told of the state kept last, when the method throws. */
  readonly failed?: (state: Uint8Array | undefined) => void;
}

export interface Watched<R> {
  /** Undefined when it was stopped inside its first step. */
  readonly result: R | undefined;
  readonly interrupted: boolean;
  /** State at the last step, when it was to be kept. */
  readonly state: Uint8Array | undefined;
  /** Model runs a second once the run was under way; NaN when it was over too soon to tell. */
  readonly speed: number;
  /** Number of shards, where it was chosen by a pilot. */
  readonly shards?: number | undefined;
  /** Where it ran, other than here: '41 shards on redis://127.0.0.1:6379 (2 threads)'. */
  readonly place?: string;
}

/** Milliseconds that a stopped run gets to come to the end of a step; then it is broken off. */
const GRACE = 250;
/** What a speed must rest on: a few runs in a short time tell how fast steps are, not how fast the model is. */
const PACE = { milliseconds: 50, runs: 1000, long: 2000 };
/** Answers on the way cost at most this share of the run, and are not asked for more often than this. */
const ASKING = { share: 0.01, milliseconds: 200 };
/** After a step this long, in milliseconds, the next one may outlast the grace: there must be an answer before it. */
const SLOW_STEP = GRACE / 8;

/**
 * Runs a method while watching it: keeps the answer of the last whole replicate, or of the points so far while there
 * is none, so that Ctrl-C has something to show within a second even when a single model run takes longer than that.
 *
 * @throws whatever the method throws, unless it was asked to stop.
 */
export async function watch<S, R extends Result>(
  method: Sampler<S, R>,
  options: Watch<R>,
): Promise<Watched<R>> {
  const { seed, backend, from, interrupt } = options;
  const controller = new AbortController();
  interrupt.onFirst(() => {
    options.stopping();
    setTimeout(() => controller.abort(), GRACE).unref();
  });
  const steps = iterate(method, {
    seed,
    ...(from === undefined ? {} : { from }),
    backend,
    signal: controller.signal,
  });
  const kept = keeper(options);
  try {
    for (;;) {
      const next = await steps.next();
      if (next.done) return { result: next.value, interrupted: false, ...kept.rest() };
      await kept.see(next.value);
      if (!interrupt.asked) continue;
      const result = await next.value.result();
      const state = options.keep ? await next.value.snapshot() : undefined;
      await steps.return(result);
      return { result, interrupted: true, ...kept.rest(), state };
    }
  } catch (error) {
    if (!interrupt.asked) {
      options.failed?.(kept.rest().state);
      throw error;
    }
    return { result: kept.result(), interrupted: true, ...kept.rest() };
  }
}

interface Keeper<R extends Result> {
  see(at: Progress<R>): Promise<void>;
  result(): R | undefined;
  rest(): Pick<Watched<R>, 'state' | 'speed'>;
}

/** Looks at each step: passes progress on, keeps an answer and, if wanted, the state. */
function keeper<R extends Result>(options: Watch<R>): Keeper<R> {
  let result: R | undefined;
  let state: Uint8Array | undefined;
  let replicate = 0;
  let asked = performance.now();
  let seen = asked;
  let saved = 0;
  let cost = 0;
  let before = options.from === undefined ? 0 : undefined;
  let ran = 0;
  const pace = pacer();
  const due = (): boolean => performance.now() - asked > Math.max(ASKING.milliseconds, cost / ASKING.share);
  const first = (): boolean =>
    result === undefined && (options.from !== undefined || performance.now() - seen > SLOW_STEP);
  return {
    result: () => result,
    rest: () => ({ state, speed: pace.speed() }),
    async see(at) {
      const { done, total } = at.info;
      before ??= done;
      ran = done - before;
      pace.see(done);
      const whole = total === undefined ? replicate + 1 : Math.floor((done / total) * options.replicates);
      if (first() || ((whole > replicate || whole === 0) && due())) {
        const start = performance.now();
        result = await at.result();
        replicate = whole;
        asked = performance.now();
        cost = asked - start;
      }
      const finished = total !== undefined && done >= total;
      if (options.keep && (finished || performance.now() - saved > ASKING.milliseconds)) {
        state = await at.snapshot();
        saved = performance.now();
      }
      const widest = result === undefined ? Number.NaN : options.widest(result);
      options.update({ done, ran, total, widest });
      seen = performance.now();
    },
  };
}

/** Runs a second between the first and the last look, so that loading and starting do not count. */
function pacer(): { see(done: number): void; speed(): number } {
  let first: { readonly done: number; readonly at: number } | undefined;
  let last: { readonly done: number; readonly at: number } | undefined;
  return {
    see(done) {
      last = { done, at: performance.now() };
      first ??= last;
    },
    speed() {
      if (first === undefined || last === undefined) return Number.NaN;
      const [runs, time] = [last.done - first.done, last.at - first.at];
      if (time < PACE.milliseconds || (runs < PACE.runs && time < PACE.long)) return Number.NaN;
      return (1000 * runs) / time;
    },
  };
}
