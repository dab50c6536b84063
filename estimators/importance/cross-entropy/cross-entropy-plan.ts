import { checkCount, checkNumber, checkOptionNames, checkPointMemory } from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { checkEvent } from '../../../engine/model/event.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import type { CrossEntropyOptions } from './cross-entropy-types.ts';

/** Checked options with their defaults. */
export interface CrossEntropyPlan
  extends Required<Omit<CrossEntropyOptions, 'inputs' | 'dependence' | 'outputs'>> {
  readonly outputs: readonly string[] | undefined;
  readonly space: InputSpace;
  readonly fingerprint: string;
}

export const WHERE = 'crossEntropy';

const OPTIONS: Readonly<Record<keyof CrossEntropyOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  event: true,
  components: true,
  stagePoints: true,
  share: true,
  stages: true,
  points: true,
  defensive: true,
  level: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function checkCrossEntropy(options: CrossEntropyOptions): CrossEntropyPlan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { model, outputs, components = 2, share = 0.1, stages = 30, points = 4096 } = options;
  const { defensive = 0.2, level = 0.95 } = options;
  const space = inputSpace(WHERE, options.inputs, options.dependence);
  const d = space.dimension;
  checkOutputs(WHERE, outputs);
  const event = checkEvent(WHERE, options.event, outputs);
  const stagePoints = options.stagePoints ?? Math.max(1000, 100 * d);
  checkCount(WHERE, 'components', components, { min: 1, max: 100 });
  checkCount(WHERE, 'stages', stages, { min: 1, max: 10_000 });
  checkCount(WHERE, 'stagePoints', stagePoints, { min: 20 });
  checkCount(WHERE, 'points', points, { min: 2, max: 2 ** 32 - 1 });
  checkPointMemory(WHERE, points + stages * stagePoints, 8 * (d + 3));
  checkNumber(WHERE, 'share', share, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  checkNumber(WHERE, 'defensive', defensive, (x) => x >= 0 && x < 1, 'a number in [0, 1)');
  checkNumber(WHERE, 'level', level, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const fingerprint = JSON.stringify([
    WHERE,
    [components, stagePoints, share, stages, points, defensive],
    [event, outputs],
    inputDigest(space),
    kernelDigest(model),
  ]);
  const numbers = { components, stagePoints, share, stages, points, defensive, level };
  return { model, outputs, event, space, fingerprint, ...numbers };
}
