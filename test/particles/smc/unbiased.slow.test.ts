import { test } from 'vitest';
import { SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import { expectMeans, expectRejected } from '../../support/law.ts';
import { CHAIN, discreteModel, discreteRuns, ratios } from './discrete.ts';

const SEED = 20_260_102;
const ONE = [1, 1, 1, 1];

// 1500 runs of 5 particles; Z-hat / Z has sd 0.5 and less: a bias of 9 % is caught with 99 % probability.
for (const scheme of SCHEME_NAMES.filter((name) => name !== 'metropolis')) {
  for (const [way, eta, threshold] of [
    ['at every step', undefined, 1],
    ['when ess < 0.7 N', undefined, 0.7],
    ['with a lookahead', [0.2, 3, 1], 0.7],
  ] as const) {
    test(`makeSmc(): Z and unnormalised expectations are unbiased by ${scheme} ${way}`, async () => {
      const model = discreteModel(CHAIN, eta);
      const runs = await discreteRuns(model, 1500, SEED, { particles: 5, scheme, threshold });
      expectMeans(ratios(runs.logNormalizer, runs.law), ONE, { about: scheme });
    });
  }
}

test('makeSmc(): ancestors that do not follow the weights are told apart', async () => {
  const own = (_: number, __: unknown, ancestor: Uint32Array): void => {
    for (let i = 0; i < ancestor.length; i++) ancestor[i] = i;
  };
  const options = { particles: 5, threshold: 1, select: own };
  const runs = await discreteRuns(discreteModel(CHAIN), 1500, SEED, options);
  expectRejected(() => expectMeans(ratios(runs.logNormalizer, runs.law), ONE));
});
