import { checkCount, checkOneOf, show } from '../../engine/check.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { type LevelSource, levelLaw, WHERE } from './level-law.ts';
import type { DenoisingMcmcOptions } from './types.ts';

/** @throws OptionError unless they rise inside the schedule. */
export function checkLevels({ denoiser, levels }: DenoisingMcmcOptions): Float64Array {
  const { schedule } = denoiser;
  const most = schedule.noise(schedule.end) / schedule.signal(schedule.end);
  const list = levels as ArrayLike<number> | null | undefined;
  const found = list === undefined ? usualLevels(denoiser, most) : Float64Array.from(list ?? []);
  const wrong = found.findIndex(
    (level, g) => !(level > (found[g - 1] ?? 0) && level <= most && level < Infinity),
  );
  if (found.length >= 2 && wrong < 0) return found;
  throw new OptionError({
    where: WHERE,
    option: 'levels',
    value: levels,
    found:
      typeof list?.length !== 'number'
        ? `option \`levels\` is ${show(levels)}`
        : found.length < 2
          ? `\`levels\` has length ${found.length}`
          : `levels[${wrong}] is ${found[wrong]}`,
    expected: `two or more rising noise levels in (0, ${most}], those of ${schedule.name}`,
  });
}

/** Even in the logarithm, finer in more dimensions, where the law of log sigma given x is narrower. */
function usualLevels({ dimension: d, moments }: Denoiser, most: number): Float64Array {
  let square = 0;
  for (const mean of moments?.mean ?? []) square += mean * mean;
  const spread = Math.sqrt(Math.max(0, d * (moments?.secondMoment ?? 1) - square)) || 1;
  const top = Math.min(2 * spread, most);
  const count = Math.ceil(64 * Math.max(1, Math.sqrt(d / 2)));
  return Float64Array.from({ length: count }, (_, g) => top * 200 ** (g / (count - 1) - 1));
}

/** [G], normalised. @throws ShapeError or OptionError. */
export function checkPrior(prior: ArrayLike<number> | undefined, count: number): Float64Array {
  const list = prior as ArrayLike<number> | null | undefined;
  const found = list === undefined ? new Float64Array(count).fill(1) : Float64Array.from(list ?? []);
  if (found.length !== count)
    throw new ShapeError({
      where: WHERE,
      found:
        typeof list?.length === 'number'
          ? `\`prior\` has length ${found.length}`
          : `option \`prior\` is ${show(prior)}`,
      expected: `${count} numbers, one for each level`,
    });
  const total = found.reduce((sum, w) => sum + (w > 0 ? w : Number.NaN), 0);
  if (total > 0 && total < Infinity) return found.map((w) => w / total);
  throw new OptionError({
    where: WHERE,
    option: 'prior',
    value: prior,
    found: `\`prior\` is ${[...found.slice(0, 4)].join(', ')}, ...`,
    expected: 'finite numbers > 0',
  });
}

/** What draws the levels. @throws OptionError when nothing does. */
export function checkSource(
  { denoiser, levelLaw: given, levelWindow }: DenoisingMcmcOptions,
  levels: Float64Array,
): LevelSource {
  if (given === undefined) {
    const law = levelLaw(denoiser, levels);
    if (law !== undefined) return { kind: 'known', law };
    if (denoiser.logDensity !== undefined) return { kind: 'densities' };
    throw unknownLaw(denoiser);
  }
  if (typeof given === 'function') return { kind: 'classifier', logProbability: given };
  if (given === 'heat-equation') {
    const window = checkCount(WHERE, 'levelWindow', levelWindow ?? 4, { min: 2, max: levels.length });
    return { kind: 'heat', window };
  }
  throw new OptionError({
    where: WHERE,
    option: 'levelLaw',
    value: given,
    found: `option \`levelLaw\` is ${show(given)}`,
    expected:
      "a function (x, out) that fills the logarithms of the probabilities of the levels, or 'heat-equation'",
  });
}

const MODES = ['exact', 'unadjusted', 'published'] as const;

/** @throws OptionError when 'exact' is wanted and densities are missing. */
export function checkMode(
  { denoiser, mode }: DenoisingMcmcOptions,
  { kind }: LevelSource,
): (typeof MODES)[number] {
  const able = kind === 'known' || (kind !== 'heat' && denoiser.logDensity !== undefined);
  const found = checkOneOf(WHERE, 'mode', mode ?? (able ? 'exact' : 'unadjusted'), MODES);
  if (able || found !== 'exact') return found;
  throw new OptionError({
    where: WHERE,
    option: 'mode',
    value: mode,
    found:
      kind === 'heat'
        ? "`mode` is 'exact', but 'heat-equation' draws levels by an approximation"
        : "`mode` is 'exact', but the denoiser has no `logDensity` to accept moves by",
    expected: "'unadjusted' or 'published'",
    fix: "Leave it out for 'unadjusted'.",
  });
}

function unknownLaw(denoiser: Denoiser): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'denoiser',
    value: denoiser,
    found:
      'the denoiser has neither `mixture`, `points` nor `logDensity`, so the law of the noise level of a point is not known',
    expected: 'one of gaussianDenoiser, mixtureDenoiser, empiricalDenoiser, or `levelLaw`',
    fix: "Give `levelLaw`: a classifier of noise levels, or 'heat-equation'.",
  });
}
