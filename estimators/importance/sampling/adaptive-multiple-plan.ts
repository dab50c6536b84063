import {
  checkCount,
  checkFlag,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  show,
} from '../../../engine/check.ts';
import { densityDigest, isDensity } from '../../../engine/distribution/density-digest.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { Density } from '../../../engine/types.ts';
import {
  checkProposal,
  checkWeighed,
  type ProposalLike,
  WEIGHED_OPTIONS,
  type WeighedOptions,
  type WeighedPlan,
} from './importance-plan.ts';

export interface AdaptiveMultipleOptions extends WeighedOptions {
  /**
   * Law of the first stage, wide enough to reach all of the target: a law of d numbers, or laws of inputs by name.
   * Default: the target itself, when it can be drawn from.
   */
  readonly start?: ProposalLike;
  /** Adapting stages, the first included. Default 10. */
  readonly stages?: number;
  /** Points of an adapting stage. Default 500. */
  readonly stagePoints?: number;
  /** 'student' (default): tails heavier than a normal target's; 'normal'. */
  readonly proposal?: 'student' | 'normal';
  /** Of freedom of the Student laws, above 2. Default 5. */
  readonly degrees?: number;
  /** K laws in the proposal. Default 1. */
  readonly components?: number;
  /** Share of `start` in every later proposal, which keeps it in reach. Default 0.1. */
  readonly defensive?: number;
  /**
   * Whether the answer comes from points drawn afresh from the last proposal (default), which has a valid interval; else
   * from the points of all stages, without one.
   */
  readonly fresh?: boolean;
  /** Points of the fresh stage, over all replicates. Default 8192. */
  readonly points?: number;
}

export interface AdaptiveMultiplePlan extends WeighedPlan {
  readonly start: Density;
  readonly stages: number;
  readonly stagePoints: number;
  readonly degrees: number | undefined;
  readonly components: number;
  readonly defensive: number;
  readonly fresh: boolean;
  readonly mark: string;
}

export const WHERE = 'adaptiveMultiple';

function studentOnly(degrees: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'degrees',
    value: degrees,
    found: `option \`degrees\` is ${show(degrees)} with proposal: 'normal', where it does nothing`,
    expected: "proposal: 'student'",
  });
}

/** @throws OptionError for the first option that cannot be used. */
export function checkAdaptiveMultiple(options: AdaptiveMultipleOptions): AdaptiveMultiplePlan {
  const own = [
    'start',
    'stages',
    'stagePoints',
    'proposal',
    'degrees',
    'components',
    'defensive',
    'fresh',
    'points',
  ];
  checkOptionNames(WHERE, options, [...WEIGHED_OPTIONS, ...own]);
  const { inputs, target, stages = 10, stagePoints = 500, components = 1, defensive = 0.1 } = options;
  const proposal = checkOneOf(WHERE, 'proposal', options.proposal ?? 'student', ['student', 'normal']);
  const fresh = checkFlag(WHERE, 'fresh', options.fresh ?? true);
  if (proposal === 'normal' && options.degrees !== undefined) throw studentOnly(options.degrees);
  checkCount(WHERE, 'stages', stages, { min: 1, max: 10_000 });
  checkCount(WHERE, 'stagePoints', stagePoints, { min: 10, max: 2 ** 31 });
  checkCount(WHERE, 'components', components, { min: 1, max: 100 });
  checkNumber(WHERE, 'defensive', defensive, (x) => x >= 0 && x < 1, 'a number in [0, 1)');
  const degrees = options.degrees ?? 5;
  checkNumber(WHERE, 'degrees', degrees, (x) => x > 2 && x < Infinity, 'a finite number above 2');
  const usual = inputs ?? (isDensity(target) ? target : undefined);
  const start = checkProposal(WHERE, 'start', options.start ?? usual, options);
  const all = { ...options, design: 'iid', replicates: 1 } as const;
  const weighed = fresh
    ? checkWeighed(WHERE, options, start.dimension, options.points ?? 8192)
    : checkWeighed(WHERE, all, start.dimension, stages * stagePoints);
  const numbers = [stages, stagePoints, components, defensive, fresh, proposal, degrees];
  const mark = JSON.stringify([...weighed.fingerprint, numbers, densityDigest(start)]);
  return {
    ...weighed,
    ...{ start, stages, stagePoints, components, defensive, fresh, mark },
    degrees: proposal === 'student' ? degrees : undefined,
    pointDesign: fresh ? weighed.pointDesign : { perReplicate: weighed.points, independent: false },
  };
}
