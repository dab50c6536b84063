import { checkCount, checkNumber, checkOptionNames, checkRecord, show } from '../../engine/check.ts';
import { OptionError } from '../../engine/errors.ts';
import type { ResampleRule } from './types.ts';

const WHERE = 'corrector';

/** When particles are resampled. */
export interface Rule {
  readonly kind: 'never' | 'ess' | 'every' | 'clocks';
  /** Share of the particles that have to count: 1 where the effective size does not decide. */
  readonly threshold: number;
  /** Whether particles may be resampled before they leave time `index` of the grid. */
  at(index: number): boolean;
  /** For the fingerprint of a run. */
  readonly describe: string;
}

/** @throws OptionError for a rule that is none, or a window that is no stretch of time. */
export function checkRule(
  given: ResampleRule | undefined,
  weights: 'left' | 'exact' | 'none',
  times: readonly number[],
): Rule {
  const rule = given ?? { ess: 0.5 };
  checkRecord(WHERE, 'resample', rule, 'a rule such as { ess: 0.5 }');
  checkOptionNames(`${WHERE}.resample`, rule, ['ess', 'every', 'clocks', 'window']);
  const inside = checkWindow(rule, times);
  const describe = JSON.stringify(rule);
  const kinds = ['ess', 'every', 'clocks'].filter((name) => name in rule);
  if (kinds.length !== 1) throw badRule(rule, kinds);
  if (weights === 'none' && given !== undefined) throw unused(given);
  if (weights === 'none') return { kind: 'never', threshold: 0, at: () => false, describe };
  if ('ess' in rule) {
    const share = checkNumber(
      WHERE,
      'resample.ess',
      rule.ess,
      (x) => x >= 0 && x <= 1,
      'a share from 0 to 1',
    );
    return { kind: share === 0 ? 'never' : 'ess', threshold: share, at: inside, describe };
  }
  if ('every' in rule) {
    const every = checkCount(WHERE, 'resample.every', rule.every, { min: 1 });
    const at = (index: number): boolean => index > 0 && index % every === 0 && inside(index);
    return { kind: 'every', threshold: 1, at, describe };
  }
  if (rule.clocks !== true) throw badRule(rule, kinds);
  return { kind: 'clocks', threshold: 1, at: inside, describe };
}

function checkWindow({ window }: ResampleRule, times: readonly number[]): (index: number) => boolean {
  if (window === undefined) return () => true;
  const { from, to } = window ?? {};
  if (typeof from !== 'number' || typeof to !== 'number' || !(Math.abs(from - to) > 0)) {
    throw new OptionError({
      where: WHERE,
      option: 'resample.window',
      value: window,
      found: `option \`resample.window\` is from ${show(from)} to ${show(to)}`,
      expected: 'two different times { from, to }',
    });
  }
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const inside = (index: number): boolean => times[index]! >= low && times[index]! <= high;
  if (times.slice(0, -1).some((_, index) => inside(index))) return inside;
  throw new OptionError({
    where: WHERE,
    option: 'resample.window',
    value: window,
    found: `no step begins in the window from time ${high} to ${low}`,
    expected: `a part of the times from ${times[0]} to ${times.at(-1)}`,
    fix: 'For a run without resampling use resample: { ess: 0 }.',
  });
}

function unused(rule: ResampleRule): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'resample',
    value: rule,
    found: "option `resample` is given with weights: 'none', and equal weights are not resampled",
    expected: 'one of them',
    fix: 'Leave `resample` out.',
  });
}

function badRule(rule: unknown, kinds: readonly string[]): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'resample',
    value: rule,
    found: `option \`resample\` is ${kinds.length > 1 ? `both ${kinds.join(' and ')}` : show(rule)}`,
    expected: 'one of { ess: 0.5 }, { every: 10 } and { clocks: true }',
  });
}
