import type { Arena } from '../../../engine/backend/backend.ts';
import {
  above,
  type ChainStates,
  type MarkovKernel,
  type MoveTarget,
} from '../../../engine/kernel/kernel.ts';
import type { Score } from '../../../engine/model/score.ts';
import type { FeynmanKac, SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import type { NextLevel } from './levels.ts';

/*
 * Particles climbing a score as a Feynman-Kac model: G_t = 1{S > L_t}, L_t chosen from the particles, and moves that keep
 * the law above L_{t-1}; G = 1{S > 0} ends it. So log L_t of the loop is the sum of the logs of the survivors' shares.
 */

/** The inputs as standard normals, and their score. */
export type ClimbFields = {
  readonly z: { readonly components: number };
  readonly score: { readonly components: 1 };
};

export type ClimbEnd = 'event' | 'too-rare' | 'died-out';

/** What is remembered of a level. */
export interface Climbed {
  readonly value: number;
  readonly survivors: number;
  /** Of the moves made above it; NaN before and without. */
  acceptance: number;
  /** Particles that made them. */
  movers: number;
}

export interface Climb extends FeynmanKac<ClimbFields> {
  readonly climbed: readonly Climbed[];
  /** How it ended: in the event, below the least probability, or died out with all scores one number outside it. */
  readonly end: ClimbEnd | undefined;
  /**
   * Survivors stay in their slots; a dead slot takes a survivor drawn evenly, by the uniform of its own particle, and is
   * the only one to move. In place of a resampling scheme.
   */
  replaceDead(step: number, population: SmcPopulation<ClimbFields>, ancestor: Uint32Array): void;
}

/** Room that particles need while they move, for one run after the other. */
export interface ClimbScratch {
  /** [n, d] and [n] of those that move, when not all do. */
  readonly x: Float64Array;
  readonly score: Float64Array;
  /** [n] log density of the inputs as standard normals, up to its constant. */
  readonly logPrior: Float64Array;
  /** [n] log-weights of particles that all count the same. */
  readonly zeros: Float64Array;
}

/** @param some whether fewer than all may move. */
export function climbScratch(arena: Arena, n: number, d: number, some: boolean): ClimbScratch {
  const room = some ? n : 0;
  return {
    x: arena.f64(room * d),
    score: arena.f64(room),
    logPrior: arena.f64(n),
    zeros: arena.f64(n),
  };
}

export interface ClimbOptions {
  readonly scratch: ClimbScratch;
  /** Whether only the dead move. */
  readonly replaceDead: boolean;
  readonly particles: number;
  readonly dimension: number;
  readonly score: Score;
  readonly kernel: MarkovKernel;
  readonly moves: number;
  /** Chooses the next level of the scores [N]. */
  readonly next: (score: Float64Array) => NextLevel;
  /** log of the probability at which the search ends. */
  readonly leastLog: number;
}

interface Course {
  readonly climbed: Climbed[];
  /** Chains moved since the kernel learnt last. */
  moved: number;
  end: ClimbEnd | undefined;
  level: number;
  logProbability: number;
}

/** The model of one run. */
export function climb(options: ClimbOptions): Climb {
  const { scratch, replaceDead, particles: n, dimension: d, score, kernel, next, leastLog } = options;
  const course: Course = { climbed: [], moved: 0, end: undefined, level: -Infinity, logProbability: 0 };
  let movers = n;
  // Chosen for all runs before the first of them moves.
  const slots = new Uint32Array(replaceDead ? n : 0);
  const target = (): MoveTarget => ({
    dimension: d,
    logPrior: (z, rows, out) => logNormal(z, rows, d, out),
    logLikelihood: (z, rows, out) => score.evaluate(z, rows, out),
    ...above(course.level),
  });

  return {
    fields: { z: { components: d }, score: { components: 1 } },
    steps: undefined,
    block: Infinity,
    climbed: course.climbed,
    get end() {
      return course.end;
    },
    async init(run) {
      const address = [...run.rng.key, 0, 0, channel(PURPOSE.init)] as const;
      await run.backend.dispatch('normal', [run.field('z'), d, ...address], n);
      await score.evaluate(run.field('z'), n, run.field('score'));
    },
    replaceDead(step, { logWeight, rng }, ancestor) {
      const living: number[] = [];
      for (let i = 0; i < n; i++) if (logWeight[i]! > -Infinity) living.push(i);
      movers = 0;
      for (let i = 0; i < n; i++) {
        ancestor[i] = i;
        if (logWeight[i]! > -Infinity) continue;
        const u = rng.stream({ purpose: PURPOSE.resampling, step, particle: i });
        ancestor[i] = living[u.below(living.length)]!;
        slots[movers++] = i;
      }
    },
    async mutate(step, run) {
      run.field('z').set(run.parent('z'));
      run.field('score').set(run.parent('score'));
      const whole: ChainStates = {
        count: n,
        x: run.field('z'),
        logPrior: scratch.logPrior,
        logLikelihood: run.field('score'),
      };
      const states = movers === n ? whole : lift(whole, scratch, slots.subarray(0, movers), d);
      logNormal(states.x, movers, d, states.logPrior);
      let sum = 0;
      for (let move = 0; move < options.moves; move++)
        sum += (await kernel.move(states, target(), { rng: run.rng, step, move })).acceptance;
      if (movers < n) drop(states, whole, slots, d);
      Object.assign(course.climbed.at(-1)!, { acceptance: sum / options.moves, movers });
      course.moved += movers;
      if (course.moved < n) return;
      kernel.tune({ x: run.field('z'), logWeight: scratch.zeros });
      course.moved = 0;
    },
    aim(_, run) {
      const chosen = next(run.field('score'));
      const level = chosen.kind === 'level' ? chosen.value : 0;
      const survivors = countAbove(run.field('score'), level) / n;
      course.logProbability += Math.log(survivors);
      course.level = level;
      if (chosen.kind !== 'stuck')
        course.climbed.push({ value: level, survivors, acceptance: Number.NaN, movers: 0 });
      if (chosen.kind === 'event') course.end = 'event';
      // Scores that differ no more tell no way on; nothing of the event was seen.
      else if (chosen.kind === 'stuck') course.end = 'died-out';
      else if (course.logProbability < leastLog) course.end = 'too-rare';
    },
    logPotential(_, run, out) {
      const y = run.field('score');
      for (let i = 0; i < n; i++) out[i] = y[i]! > course.level ? 0 : -Infinity;
    },
    done: () => course.end !== undefined,
    snapshot: () => ({ ...course, kernel: kernel.snapshot() }),
    restore(saved) {
      const {
        climbed,
        kernel: tuning,
        ...rest
      } = saved as Course & { readonly kernel: Record<string, unknown> };
      course.climbed.splice(0, course.climbed.length, ...climbed);
      Object.assign(course, rest);
      kernel.restore(tuning);
    },
  };
}

function countAbove(score: Float64Array, level: number): number {
  let count = 0;
  for (let i = 0; i < score.length; i++) if (score[i]! > level) count++;
  return count;
}

/** log density of N(0, I) at rows 0..n-1 of z [n, d], up to its constant. */
function logNormal(z: Float64Array, n: number, d: number, out: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let at = i * d; at < i * d + d; at++) square += z[at]! * z[at]!;
    out[i] = -0.5 * square;
  }
}

/** The slots that move, copied to the front of scratch arrays. */
function lift(whole: ChainStates, { x, score }: ClimbScratch, slots: Uint32Array, d: number): ChainStates {
  const movers = slots.length;
  for (let m = 0; m < movers; m++) {
    const slot = slots[m]!;
    x.set(whole.x.subarray(slot * d, (slot + 1) * d), m * d);
    score[m] = whole.logLikelihood[slot]!;
  }
  const rows = { x: x.subarray(0, movers * d), logLikelihood: score.subarray(0, movers) };
  return { count: movers, logPrior: whole.logPrior, ...rows };
}

function drop(moved: ChainStates, whole: ChainStates, slots: Uint32Array, d: number): void {
  for (let m = 0; m < moved.count; m++) {
    const slot = slots[m]!;
    whole.x.set(moved.x.subarray(m * d, (m + 1) * d), slot * d);
    whole.logLikelihood[slot] = moved.logLikelihood[m]!;
  }
}
