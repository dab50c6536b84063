import { checkCount } from '../../engine/check.ts';
import { OptionError } from '../../engine/errors.ts';
import type { Warning } from '../../engine/types.ts';
import type { DesignName } from './types.ts';

/** How the base points are shared among replicates. */
export interface PointPlan {
  /** In total: replicates times perReplicate. */
  readonly total: number;
  readonly replicates: number;
  readonly perReplicate: number;
  readonly warnings: readonly Warning[];
}

const POINTS = 16_384;
const REPLICATES = 8;
/** Base points of a replicate are addressed by 32 bits. */
const MOST_POINTS = 2 ** 53;

/**
 * Points and replicates, checked. A replicate gets floor(points / replicates), so a remainder is not used. Few points
 * get fewer replicates by default, never less than two points each.
 * @throws OptionError unless both are counts and each replicate gets at least two points.
 */
export function checkPoints(
  where: string,
  design: DesignName,
  points: number | undefined,
  replicates: number | undefined,
): PointPlan {
  const asked = checkCount(where, 'points', points ?? POINTS, { min: 2, max: MOST_POINTS });
  const most = Math.floor(asked / 2);
  const usual = design === 'sobol' ? Math.min(REPLICATES, 2 ** Math.floor(Math.log2(most))) : 1;
  const shared = checkCount(where, 'replicates', replicates ?? usual, { min: 1 });
  if (shared > most) throw tooMany(where, shared, asked);
  const perReplicate = Math.floor(asked / shared);
  const plan = { total: perReplicate * shared, replicates: shared, perReplicate };
  return { ...plan, warnings: pointWarnings(design, asked, plan) };
}

function pointWarnings(
  design: DesignName,
  asked: number,
  { total, replicates, perReplicate }: Omit<PointPlan, 'warnings'>,
): readonly Warning[] {
  const lower = replicates * 2 ** Math.floor(Math.log2(perReplicate));
  if (design === 'sobol' && (total !== asked || lower !== total)) {
    return [
      {
        code: 'points-not-power-of-two',
        message: `${spaced(asked)} points leave the Sobol' net incomplete and cost accuracy. Use ${spaced(lower)} or ${spaced(2 * lower)}.`,
        value: asked,
      },
    ];
  }
  if (total === asked) return [];
  return [
    {
      code: 'points-not-divisible',
      message: `${spaced(asked)} points do not divide among ${replicates} replicates; ${spaced(total)} are used.`,
      value: asked,
    },
  ];
}

function tooMany(where: string, replicates: number, points: number): OptionError {
  return new OptionError({
    where,
    option: 'replicates',
    value: replicates,
    found: `option \`replicates\` is ${replicates} with ${points} points in total`,
    expected: 'at least two points for each replicate',
    fix: `Try points: ${2 ** Math.ceil(Math.log2(2 * replicates))}.`,
  });
}

/** 16384 as '16 384'. */
export function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}
