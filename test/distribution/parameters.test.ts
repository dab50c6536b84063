import { expect, test } from 'vitest';
import {
  beta,
  binomial,
  categorical,
  discreteUniform,
  empirical,
  exponential,
  gamma,
  gaussianCopula,
  gumbel,
  independent,
  logNormal,
  logNormalFromMean,
  logUniform,
  mixture,
  multivariateMixture,
  multivariateNormal,
  normal,
  OptionError,
  pareto,
  poisson,
  studentT,
  triangular,
  truncated,
  uniform,
  weibull,
} from '../../engine/index.ts';

// [call, what the message must hold: the law, the parameter, the value]
const BAD: readonly (readonly [string, () => unknown, readonly string[]])[] = [
  ['uniform: equal ends', () => uniform(1, 1), ['uniform', '`high` is 1', 'above low = 1']],
  ['uniform: infinite end', () => uniform(0, Infinity), ['`high` is Infinity']],
  ['uniform: infinite width', () => uniform(-1e308, 1e308), ['`high` is 1e+308']],
  ['uniform: not a number', () => uniform('0' as unknown as number, 1), ['uniform', '`low` is "0"']],
  ['logUniform: low of zero', () => logUniform(0, 1), ['logUniform', '`low` is 0', 'above 0']],
  ['logUniform: reversed', () => logUniform(2, 1), ['`high` is 1', 'above low = 2']],
  ['normal: NaN mean', () => normal(Number.NaN, 1), ['normal', '`mean` is NaN']],
  ['normal: zero sd', () => normal(0, 0), ['`sd` is 0', 'above 0']],
  ['logNormal: negative sigma', () => logNormal(0, -1), ['logNormal', '`sigma` is -1']],
  [
    'logNormalFromMean: negative mean',
    () => logNormalFromMean(-5, 0.1),
    ['logNormalFromMean', '`mean` is -5'],
  ],
  ['logNormalFromMean: zero cv', () => logNormalFromMean(5, 0), ['`coefficientOfVariation` is 0']],
  ['triangular: mode outside', () => triangular(0, 5, 3), ['triangular', '`mode` is 5', '[0, 3]']],
  ['triangular: no width', () => triangular(1, 1, 1), ['`high` is 1']],
  ['exponential: zero rate', () => exponential(0), ['exponential', '`rate` is 0']],
  ['gumbel: zero scale', () => gumbel(0, 0), ['gumbel', '`scale` is 0']],
  ['weibull: zero shape', () => weibull(0, 1), ['weibull', '`shape` is 0']],
  ['weibull: NaN location', () => weibull(1, 1, Number.NaN), ['`location` is NaN']],
  ['gamma: negative scale', () => gamma(1, -2), ['gamma', '`scale` is -2']],
  ['beta: zero alpha', () => beta(0, 1), ['beta', '`alpha` is 0']],
  ['beta: reversed ends', () => beta(1, 1, 3, 2), ['`high` is 2', 'above low = 3']],
  ['studentT: zero degrees', () => studentT(0), ['studentT', '`degrees` is 0']],
  ['pareto: zero scale', () => pareto(1, 0), ['pareto', '`scale` is 0']],
  ['discreteUniform: half', () => discreteUniform(0.5, 2), ['discreteUniform', '`low` is 0.5', 'integer']],
  ['discreteUniform: reversed', () => discreteUniform(3, 2), ['`high` is 2', '>= low = 3']],
  ['poisson: zero mean', () => poisson(0), ['poisson', '`mean` is 0']],
  ['binomial: 2.5 trials', () => binomial(2.5, 0.5), ['binomial', '`trials` is 2.5']],
  ['binomial: probability 1.2', () => binomial(3, 1.2), ['`probability` is 1.2', '[0, 1]']],
  ['categorical: negative weight', () => categorical([1, -1]), ['categorical', '`weights[1]` is -1']],
  ['categorical: no mass', () => categorical([0, 0]), ['`weights` sum to 0']],
  ['categorical: empty', () => categorical([]), ['`weights` sum to 0']],
  ['categorical: counts differ', () => categorical([1, 2], [5]), ['`values` has 1 entries']],
  ['categorical: twice', () => categorical([1, 2], [5, 5]), ['`values[1]` is 5, a second time']],
  ['empirical: empty', () => empirical([]), ['empirical', '`data` is empty']],
  ['empirical: NaN', () => empirical([1, Number.NaN]), ['`data[1]` is NaN']],
  [
    'truncated: reversed',
    () => truncated(normal(0, 1), 2, 1),
    ['truncated', '`lower` is 2 and `upper` is 1'],
  ],
  ['truncated: NaN', () => truncated(normal(0, 1), Number.NaN), ['`lower` is NaN']],
  ['truncated: beside the support', () => truncated(uniform(0, 1), 2), ['[2, Infinity] holds no mass']],
  ['truncated: between atoms', () => truncated(poisson(3), 1.2, 1.8), ['[1.2, 1.8] holds no mass']],
  ['truncated: too far', () => truncated(normal(0, 1), 50), ['holds no mass of normal']],
  ['mixture: empty', () => mixture([]), ['mixture', '0 components']],
  ['mixture: counts', () => mixture([normal(0, 1)], [1, 2]), ['1 components and 2 weights']],
  [
    'mixture: kinds',
    () => mixture([normal(0, 1), poisson(2)]),
    ['component 0 is continuous and component 1 is not'],
  ],
  ['independent: empty', () => independent([]), ['independent', '`laws` is empty']],
  ['multivariateNormal: size', () => multivariateNormal([0, 0], [[1]]), ['multivariateNormal', '1 rows']],
  ['multivariateNormal: ragged', () => multivariateNormal([0, 0], [[1, 0], [0]]), ['1 entries in row 1']],
  [
    'multivariateNormal: singular',
    () =>
      multivariateNormal(
        [0, 0],
        [
          [1, 1],
          [1, 1],
        ],
      ),
    ['`covariance` has smallest eigenvalue', 'positive definite'],
  ],
  [
    'multivariateMixture: dimensions',
    () => multivariateMixture([independent([normal(0, 1)]), independent([normal(0, 1), normal(0, 1)])]),
    ['component 1 has dimension 2'],
  ],
  [
    'gaussianCopula: asymmetric',
    () =>
      gaussianCopula([
        [1, 0.5],
        [0.4, 1],
      ]),
    ['gaussianCopula', '0.4 at (1, 0) and 0.5 at (0, 1)', 'symmetric'],
  ],
  [
    'gaussianCopula: diagonal',
    () =>
      gaussianCopula([
        [1, 0],
        [0, 2],
      ]),
    ['is 2 at (1, 1)', '1 on the diagonal'],
  ],
  [
    'gaussianCopula: contradictory',
    () =>
      gaussianCopula([
        [1, 0.9, -0.9],
        [0.9, 1, 0.9],
        [-0.9, 0.9, 1],
      ]),
    ['smallest eigenvalue -0.8', 'positive definite'],
  ],
  ['gaussianCopula: empty', () => gaussianCopula([]), ['`correlation` is empty']],
  [
    'gaussianCopula: misspelt name',
    () => gaussianCopula({ names: ['width', 'height'], pairs: [['width', 'heigth', 0.5]] }),
    ['no input "heigth"', 'Did you mean height?'],
  ],
  [
    'gaussianCopula: correlation of 1',
    () => gaussianCopula({ names: ['a', 'b'], pairs: [['a', 'b', 1]] }),
    ['correlation of (a, b) is 1', '(-1, 1)'],
  ],
  [
    'gaussianCopula: pair twice',
    () =>
      gaussianCopula({
        names: ['a', 'b'],
        pairs: [
          ['a', 'b', 0.1],
          ['b', 'a', 0.2],
        ],
      }),
    ['listed twice'],
  ],
];

test.each(BAD)('%s is refused with the law, the parameter and its value', (_, call, parts) => {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(OptionError);
  for (const part of parts) expect((error as OptionError).message).toContain(part);
});

test('moments are NaN where they do not exist and Infinity where they diverge', () => {
  expect([studentT(1).mean, studentT(1).variance]).toEqual([Number.NaN, Number.NaN]);
  expect([studentT(1.5, 4).mean, studentT(1.5).variance]).toEqual([4, Infinity]);
  expect([pareto(1, 2).mean, pareto(1, 2).variance]).toEqual([Infinity, Infinity]);
  expect([pareto(1.5, 2).mean, pareto(2, 2).variance]).toEqual([6, Infinity]);
  const half = truncated(studentT(1), 0);
  expect([half.mean, half.variance]).toEqual([Infinity, Infinity]);
  // E[T | 0 < T < 5] = log(26) / (2 atan 5) for one degree of freedom.
  expect(truncated(studentT(1), 0, 5).mean).toBeCloseTo(Math.log(26) / 2 / Math.atan(5), 12);
  expect(truncated(pareto(1.5, 1), 3).mean).toBeCloseTo(9, 9);
});

test('logNormalFromMean(): mean and coefficient of variation are those asked for', () => {
  const law = logNormalFromMean(500, 0.1);
  expect(law.mean).toBeCloseTo(500, 10);
  expect(Math.sqrt(law.variance) / law.mean).toBeCloseTo(0.1, 14);
});

test('truncated(): cutting away nothing changes nothing, and cutting twice is cutting once', () => {
  const whole = truncated(gumbel(0, 1));
  for (const p of [1e-9, 0.3, 0.99]) expect(whole.quantile(p)).toBe(gumbel(0, 1).quantile(p));
  const twice = truncated(truncated(normal(0, 1), -3), -1, 2);
  const once = truncated(normal(0, 1), -1, 2);
  for (const p of [0.001, 0.4, 0.95]) expect(twice.quantile(p)).toBeCloseTo(once.quantile(p), 13);
});
