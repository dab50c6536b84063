import { checkCount, spaced } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { Warning } from '../types.ts';
import type { PointSetName } from './point-set.ts';

/** How the base points are shared among replicates. */
export interface PointPlan {
  /** In total: replicates times perReplicate. */
  readonly total: number;
  readonly replicates: number;
  readonly perReplicate: number;
  readonly warnings: readonly Warning[];
}

const POINTS = 16_384;
/** Base points of a replicate are addressed by 32 bits. */
const MOST_POINTS = 2 ** 53;

/**
 * Points and replicates, checked. A replicate gets floor(points / replicates), an even number of antithetic ones, so a
 * remainder is not used. Few points get fewer replicates than `usual` by default, never less than two points each.
 * @throws OptionError unless both are counts and each replicate gets at least two points.
 */
export function checkPoints(
  where: string,
  design: PointSetName,
  options: {
    readonly points?: number | undefined;
    readonly replicates?: number | undefined;
    readonly usual: number;
  },
): PointPlan {
  const asked = checkCount(where, 'points', options.points ?? POINTS, { min: 2, max: MOST_POINTS });
  const most = Math.floor(asked / 2);
  const usual = Math.min(options.usual, 2 ** Math.floor(Math.log2(most)));
  const shared = checkCount(where, 'replicates', options.replicates ?? usual, { min: 1 });
  if (shared > most) throw tooMany(where, shared, asked);
  const least = design === 'antithetic' ? 2 : 1;
  const perReplicate = least * Math.floor(asked / shared / least);
  const plan = { total: perReplicate * shared, replicates: shared, perReplicate };
  return { ...plan, warnings: pointWarnings(design, asked, plan) };
}

function pointWarnings(
  design: PointSetName,
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
      message: `${spaced(asked)} points do not divide among ${shares(design, replicates)}; ${spaced(total)} are used.`,
      value: asked,
    },
  ];
}

function shares(design: PointSetName, replicates: number): string {
  return design === 'antithetic' ? `pairs in ${replicates} replicates` : `${replicates} replicates`;
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
