import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import {
  DegeneracyError,
  discreteUniform,
  gamma,
  hmc,
  iterate,
  mala,
  normal,
  OptionError,
  pcn,
  pointwise,
  randomWalk,
  resume,
  run,
  type SmcSamplerOptions,
  type SmcSamplerResult,
  smcSampler,
  ValueError,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';
import { base, besideOne, expectNear, SEED, sample } from './base.ts';
import {
  isotropic,
  logisticLikelihood,
  regression,
  regressionLikelihood,
  regressionPrior,
} from './problems.ts';

contract('smcSampler', () => smcSampler(base), {
  backends: {
    'WASM, 1 thread': () => hostBackend({ threads: 1 }),
    'WASM, 2 threads': () => hostBackend({ threads: 2 }),
  },
  bad: {
    'no likelihood': () => smcSampler({ prior: regressionPrior }),
    'a likelihood and a target': () => smcSampler({ ...base, logTarget: regressionLikelihood }),
    'a single particle': () => smcSampler({ ...base, particles: 1 }),
    'chains that do not divide': () => smcSampler({ ...base, particles: 128, chains: 3 }),
    'one move a chain': () =>
      smcSampler({
        prior: regressionPrior,
        logLikelihood: regressionLikelihood,
        particles: 128,
        chains: 128,
      }),
    'chains with a number of moves': () => smcSampler({ ...base, chains: 16 }),
    'chains with final moves': () =>
      smcSampler({
        prior: regressionPrior,
        logLikelihood: regressionLikelihood,
        particles: 64,
        chains: 8,
        finalMoves: 1,
      }),
    'temperatures that fall': () => smcSampler({ ...base, inverseTemperatures: [0.5, 0.2, 1] }),
    'temperatures that end early': () => smcSampler({ ...base, inverseTemperatures: [0.1, 0.5] }),
    'temperatures from 0': () => smcSampler({ ...base, inverseTemperatures: [0, 1] }),
    'temperatures and a fraction': () => smcSampler({ ...base, inverseTemperatures: [1], essFraction: 0.5 }),
    'a fraction of 1': () => smcSampler({ ...base, essFraction: 1 }),
    'a threshold above 1': () => smcSampler({ ...base, threshold: 2 }),
    'an unknown scheme': () => smcSampler({ ...base, scheme: 'sytematic' as 'systematic' }),
    'a kernel that is none': () => smcSampler({ ...base, moves: 'rwm' as never }),
    'pcn along a prior that is not normal': () =>
      smcSampler({ ...base, prior: { rate: gamma(2, 1) }, moves: pcn() }),
    'mala with a function alone': () => smcSampler({ ...base, moves: mala() }),
    'hmc with a covariance of another dimension': () =>
      smcSampler({ ...base, logLikelihood: logisticLikelihood, moves: hmc({ covariance: [[1]] }) }),
    'inverse temperatures in words': () => smcSampler({ ...base, inverseTemperatures: ['0.5', 1] as never }),
    'a schedule that turns back': () =>
      smcSampler({ ...base, schedule: { targets: [0.5, 0.2, 1], moves: [1, 1, 1], tuning: [{}, {}, {}] } }),
    'a schedule of moves in words': () =>
      smcSampler({ ...base, schedule: { targets: [1], moves: ['a' as never], tuning: [{}] } }),
    'a misspelt option': () => smcSampler({ ...base, particels: 3 } as SmcSamplerOptions),
    'a discrete prior': () => smcSampler({ ...base, prior: { k: discreteUniform(0, 3) } }),
    'a prior that is none': () => smcSampler({ ...base, prior: 3 as never }),
    'an empty schedule': () => smcSampler({ ...base, schedule: { targets: [], moves: [], tuning: [] } }),
    'more memory than there is': () => smcSampler({ ...base, particles: 2 ** 29 }),
  },
});

describe('failures', () => {
  test('tempering that makes no headway ends with the effective size, not in an endless loop', async () => {
    const steep = pointwise((x) => -1e14 * Math.abs(x[0]!));
    const stuck = sample({ prior: { x: normal(0, 1) }, logLikelihood: steep });
    await expect(stuck).rejects.toThrow(DegeneracyError);
    await expect(stuck).rejects.toThrow(/stalled at inverse temperature .* \(effective size 6\d of 128\)/);
  });

  test.each([Number.NaN, Infinity])(
    'a log likelihood of %s is an error that names the point',
    async (bad) => {
      const broken = sample({ logLikelihood: pointwise((x) => (x[0]! > 1 ? bad : 0)) });
      const error = await broken.then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(ValueError);
      expect((error as ValueError).point![0]).toBeGreaterThan(1);
    },
  );

  test('moves that need a gradient say how to give one, before the run where that shows', async () => {
    expect(() => smcSampler({ ...base, moves: mala() })).toThrow(/numericGradient/);
    const late = sample({ prior: isotropic(2, 1), logLikelihood: besideOne, moves: mala() });
    await expect(late).rejects.toThrow(OptionError);
  });

  test('a snapshot is refused by other options and by another seed', async () => {
    let bytes = new Uint8Array(0);
    for await (const at of iterate(smcSampler(base), { seed: SEED, backend: jsBackend() })) {
      bytes = new Uint8Array(await at.snapshot());
      break;
    }
    const other = resume(smcSampler({ ...base, particles: 64 }), bytes, { seed: SEED, backend: jsBackend() });
    await expect(other).rejects.toThrow(/other options/);
    const seed = resume(smcSampler(base), bytes, { seed: SEED + 1, backend: jsBackend() });
    await expect(seed).rejects.toThrow(/another seed/);
  });
});

describe('schedules', () => {
  test('a frozen schedule runs the same targets, moves and tuning on other numbers, and is unbiased', async () => {
    const moveCount = 'acceptance';
    const pilot = await sample({ moveCount });
    expect(new Set(pilot.path.moves).size).toBeGreaterThan(2);
    expect(pilot.logNormalizer.unbiased).toBe(false);
    const frozen = await sample({ moveCount, schedule: pilot.schedule });
    expect(frozen.logNormalizer.unbiased).toBe(true);
    expect(frozen.path.inverseTemperature).toEqual(pilot.path.inverseTemperature);
    expect(frozen.path.moves).toEqual(pilot.path.moves);
    expect(frozen.schedule.tuning).toEqual(pilot.schedule.tuning);
    expect(frozen.sample.points).not.toEqual(pilot.sample.points);
    // It goes through JSON.
    const again = await sample({
      moveCount,
      schedule: JSON.parse(JSON.stringify(pilot.schedule)) as typeof pilot.schedule,
    });
    expect(again.logNormalizer.value).toBe(frozen.logNormalizer.value);
  });

  test('unbiased is said of fixed temperatures only with moves that do not learn', async () => {
    const inverseTemperatures = [0.01, 0.1, 1];
    expect((await sample({ inverseTemperatures })).logNormalizer.unbiased).toBe(false);
    expect((await sample({ inverseTemperatures, tune: false })).logNormalizer.unbiased).toBe(true);
    expect(
      (await sample({ inverseTemperatures, tune: false, moveCount: 'acceptance' })).logNormalizer.unbiased,
    ).toBe(false);
    expect(
      (await sample({ inverseTemperatures, tune: false, scheme: 'metropolis' })).logNormalizer.unbiased,
    ).toBe(false);
    expect((await sample({ tune: false })).logNormalizer.unbiased).toBe(false);
  });

  test('final moves change the points of the last target and nothing else', async () => {
    const without = await sample();
    const withMoves = await sample({ finalMoves: 4 });
    expect(withMoves.logNormalizer.value).toBe(without.logNormalizer.value);
    expect(withMoves.sample.logWeight).toEqual(without.sample.logWeight);
    expect(withMoves.sample.points).not.toEqual(without.sample.points);
    expect(withMoves.path.moves.at(-1)).toBe(4);
    expect(without.path.moves.at(-1)).toBe(0);
  });
});

describe('waste-free', () => {
  const options = { prior: regressionPrior, logLikelihood: regressionLikelihood };
  const wasteFree = (particles: number, chains: number): Promise<SmcSamplerResult> =>
    run(smcSampler({ ...options, particles, chains }), { seed: SEED, backend: jsBackend() });

  test('slot p M + m is the state of chain m after p moves: states follow one another along p', async () => {
    const { sample: points } = await wasteFree(400, 8);
    const [d, M] = [5, 8];
    let [still, apart] = [0, 0];
    for (let i = M; i < 400; i++) {
      const same = (j: number): boolean => points.points[i * d] === points.points[j * d];
      if (same(i - M)) still++;
      if (same(i - 1)) apart++;
    }
    // A rejected move leaves its chain where it was: about three of four.
    expect(still).toBeGreaterThan(200);
    expect(apart).toBeLessThan(10);
  });

  test('long chains: the evidence within its own error, and no warning', async () => {
    const result = await wasteFree(5000, 50);
    expect(result.logNormalizer.method).toBe('chains');
    expectNear(
      result.logNormalizer.value,
      regression.log_evidence,
      result.logNormalizer.standardError * 1.25,
      'log Z',
    );
    expect(result.diagnostics.warnings).toEqual([]);
  });

  test('chains of ten warn that their error is too small', async () => {
    const { diagnostics } = await wasteFree(2000, 200);
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['chains-too-short']);
  });
});

test('warnings: a path with one step, moves that are never accepted', async () => {
  const { diagnostics } = await sample({ inverseTemperatures: [0.5, 1] });
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('thin-weights');
  const wild = await sample({ tune: false, moves: randomWalk({ scale: 100 }), moveCount: 1 });
  expect(wild.diagnostics.warnings.map(({ code }) => code)).toContain('moves-rejected');
  for (const { message } of [...diagnostics.warnings, ...wild.diagnostics.warnings])
    expect(message.length).toBeLessThanOrEqual(240);
});
