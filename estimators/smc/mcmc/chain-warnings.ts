import type { Warning } from '../../../engine/types.ts';
import type { ChainAnswer } from './chain-record.ts';

/** Above this chains do not agree. */
const AGREEMENT = 1.05;
/** Lags summed, as a share of a chain. */
const LONGEST = 0.25;
/** Effective draws below which a mean says little. */
const FEWEST = 50;

/** What the draws of chains say against themselves. Nothing before there are draws. */
export function chainWarnings(names: readonly string[], { rHat, ess, memory }: ChainAnswer): Warning[] {
  const warnings: Warning[] = [];
  const worst = (values: Float64Array, sign: number): number =>
    values.reduce((at, value, i) => (sign * value > sign * values[at]! ? i : at), 0);
  const apart = worst(rHat, 1);
  if (rHat[apart]! > AGREEMENT) {
    warnings.push({
      code: 'chains-disagree',
      message: `${names[apart]}: the halves of the chains disagree (split R-hat ${rHat[apart]!.toFixed(2)}; wanted below ${AGREEMENT}). Run longer, or with a longer warm-up.`,
      value: rHat[apart]!,
      threshold: AGREEMENT,
    });
  }
  const fewest = worst(ess, -1);
  const slow = worst(memory, 1);
  if (ess[fewest]! < FEWEST || memory[slow]! > LONGEST) {
    const at = ess[fewest]! < FEWEST ? fewest : slow;
    warnings.push({
      code: 'chains-short',
      message: `${names[at]}: the chains are worth ${ess[at]!.toFixed(0)} independent draws, and remember ${Math.round(100 * memory[at]!)} % of their length. Means and errors are rough; run longer, or with more particles.`,
      value: ess[at]!,
      threshold: FEWEST,
    });
  }
  return warnings;
}

/** Share of updates below which the state of a step hardly moves. */
const STUCK = 0.02;

/** Steps of the path that conditional SMC hardly renews. */
export function renewalWarnings(renewal: Float64Array, draws: number): Warning[] {
  if (draws < 100) return [];
  const at = renewal.reduce((least, share, t) => (share < renewal[least]! ? t : least), 0);
  const share = renewal[at]!;
  if (!(share < STUCK)) return [];
  return [
    {
      code: 'path-stuck',
      message: `Only ${(100 * share).toPrecision(2)} % of the updates changed the state at step ${at}. Use variant: 'ancestor' or 'backward', or more particles.`,
      value: share,
      threshold: STUCK,
    },
  ];
}
