import type { ExpectationsOptions } from '../estimators/index.ts';
import { usageError } from './errors.ts';
import { type Flags, flagText, readInteger, readLevel, readMissing, readName } from './flag-values.ts';
import { DEFAULT_POINTS, type RunSettings, readPoints, readRunSettings } from './settings.ts';

type Named<K extends keyof ExpectationsOptions> = NonNullable<ExpectationsOptions[K]>;

export const PROPOSALS: readonly Named<'proposal'>[] = ['normal', 'diagonal', 'mixture'];
export const SPACES: readonly Named<'space'>[] = ['normals', 'inputs'];
export const CONTROLS: readonly Named<'controls'>[] = ['own', 'all', 'none'];
export const FINAL_DESIGNS: readonly Named<'design'>[] = ['sobol', 'iid'];
export const PRESETS: readonly Named<'preset'>[] = ['published'];

/** What the user asked of `ensample expect`: options of the method, undefined where a flag was not given. */
export interface ExpectSettings extends RunSettings {
  readonly points: number;
  readonly method: Pick<
    ExpectationsOptions,
    'replicates' | 'stages' | 'level' | 'proposal' | 'space' | 'controls' | 'design' | 'preset' | 'missing'
  >;
}

/**
 * Reads and checks the flags of `ensample expect`; nothing has been loaded or run before.
 * @throws OptionError naming the flag, its value, what was expected and the nearest spelling.
 */
export function readExpectSettings(where: string, flags: Flags): ExpectSettings {
  const name = <T extends string>(option: string, allowed: readonly T[]): T | undefined =>
    readName(where, option, flagText(flags, option), allowed);
  const given = {
    replicates: readInteger(where, 'replicates', flagText(flags, 'replicates'), 1, 4096, '8'),
    stages: readInteger(where, 'stages', flagText(flags, 'stages'), 1, 1000, '5'),
    level: readLevel(where, flagText(flags, 'level')),
    proposal: name('proposal', PROPOSALS),
    space: name('space', SPACES),
    controls: name('controls', CONTROLS),
    design: name('design', FINAL_DESIGNS),
    preset: name('preset', PRESETS),
    missing: readKeptPoints(where, flags),
  };
  return {
    ...readRunSettings(where, flags),
    points: readPoints(where, flags) ?? DEFAULT_POINTS,
    method: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** No point may be left out: the weights count on all. */
function readKeptPoints(where: string, flags: Flags): ExpectationsOptions['missing'] {
  const policy = readMissing(where, flagText(flags, 'missing'), true);
  if (policy !== 'drop-row') return policy;
  throw usageError(
    where,
    '--missing',
    policy,
    'error, or the number that the output stands for where the model fails',
    'Leaving points out would bias the weights.',
  );
}
