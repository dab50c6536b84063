import { checkCount, checkNumber, checkOptionNames } from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import { checkKernelChoice } from '../../../engine/kernel/kernel-options.ts';
import { pcn } from '../../../engine/kernel/pcn.ts';
import { checkEvent } from '../../../engine/model/event.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import type { Score } from '../../../engine/model/score.ts';
import { checkSmcMemory } from '../../../engine/particles/smc/memory.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Source } from '../../../engine/types.ts';
import type { Climb, ClimbFields } from './climb.ts';
import type { NextLevel } from './levels.ts';
import type { RareEventOptions } from './types.ts';

/** What tells one method from another. */
export interface RareMethod {
  readonly name: string;
  readonly where: string;
  readonly sources: readonly Source[];
  readonly particles: number;
  readonly moves: number;
  readonly next: (score: Float64Array) => NextLevel;
  /** Only the dead are replaced and moved; else all are drawn from the survivors and all move. */
  readonly replaceDead: boolean;
  /** What of the method's own options changes the numbers. */
  readonly fingerprint: readonly unknown[];
}

export interface RarePlan extends Required<Pick<RareEventOptions, 'runs' | 'least' | 'level' | 'event'>> {
  readonly method: RareMethod;
  readonly options: RareEventOptions;
  readonly space: InputSpace;
  readonly kernel: KernelChoice;
  readonly fingerprint: string;
}

export interface RareState {
  readonly key: readonly [number, number];
  readonly smc: Smc<ClimbFields>;
  readonly climbs: readonly Climb[];
  readonly score: Score;
  dispose(): void;
}

const RARE_OPTIONS: readonly string[] = [
  'model',
  'inputs',
  'dependence',
  'outputs',
  'event',
  'particles',
  'runs',
  'moves',
  'kernel',
  'least',
  'level',
];

/** @throws OptionError for options that cannot be used. */
export function checkRare(options: RareEventOptions, method: RareMethod): RarePlan {
  const { where, particles, moves } = method;
  const { runs = 8, least = 1e-20, level = 0.95 } = options;
  const space = inputSpace(where, options.inputs, options.dependence);
  const event = checkEvent(where, options.event, options.outputs);
  checkCount(where, 'particles', particles, { min: 2, max: 2 ** 31 });
  checkCount(where, 'runs', runs, { min: 1, max: 10_000 });
  checkCount(where, 'moves', moves, { min: 1, max: 2 ** 24 });
  checkNumber(where, 'least', least, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  checkNumber(where, 'level', level, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const kernel = checkKernelChoice(where, 'kernel', options.kernel ?? pcn(), 'Try kernel: pcn().');
  const fields = { z: { components: space.dimension }, score: { components: 1 } };
  checkSmcMemory(where, { fields, particles, runs, scheme: 'multinomial' });
  const fingerprint = JSON.stringify([
    method.name,
    method.fingerprint,
    [particles, runs, moves, least],
    [kernel.name, kernel.options],
    [event, options.outputs],
    inputDigest(space),
    kernelDigest(options.model),
  ]);
  return { method, options, space, kernel, event, runs, least, level, fingerprint };
}

/** @throws OptionError for an unknown option. */
export function checkRareNames(where: string, options: RareEventOptions, own: readonly string[]): void {
  checkOptionNames(where, options, [...RARE_OPTIONS, ...own]);
}
