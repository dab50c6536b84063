import type { Source } from '../../../engine/types.ts';

export const SMOOTHER_SOURCES: readonly Source[] = [
  {
    authors: 'Godsill, S. J., Doucet, A. & West, M.',
    year: 2004,
    title: 'Monte Carlo smoothing for nonlinear time series',
    reference: 'Journal of the American Statistical Association 99(465), 156-168',
  },
  {
    authors: 'Dau, H.-D. & Chopin, N.',
    year: 2023,
    title: 'On backward smoothing algorithms',
    reference: 'Annals of Statistics 51(5), 2145-2169',
  },
];

export const ADDITIVE_SOURCES: readonly Source[] = [
  {
    authors: 'Del Moral, P., Doucet, A. & Singh, S. S.',
    year: 2010,
    title: 'A backward particle interpretation of Feynman-Kac formulae',
    reference: 'ESAIM: Mathematical Modelling and Numerical Analysis 44(5), 947-975',
  },
  {
    authors: 'Olsson, J. & Westerborn, J.',
    year: 2017,
    title: 'Efficient particle-based online smoothing in general hidden Markov models: the PaRIS algorithm',
    reference: 'Bernoulli 23(3), 1951-1996',
  },
];

export const TWO_FILTER_SOURCES: readonly Source[] = [
  {
    authors: 'Briers, M., Doucet, A. & Maskell, S.',
    year: 2010,
    title: 'Smoothing algorithms for state-space models',
    reference: 'Annals of the Institute of Statistical Mathematics 62, 61-89',
  },
  {
    authors: 'Fearnhead, P., Wyncoll, D. & Tawn, J.',
    year: 2010,
    title: 'A sequential smoothing algorithm with linear computational cost',
    reference: 'Biometrika 97(2), 447-464',
  },
];
