import type { Source } from '../../engine/types.ts';

/** The papers behind the estimators, designs and intervals of this family. */
export const SOBOL_SOURCES: readonly Source[] = [
  {
    authors: "Sobol', I. M.",
    year: 1993,
    title: 'Sensitivity estimates for nonlinear mathematical models',
    reference: 'Mathematical Modelling and Computational Experiment 1, 407-414',
  },
  {
    authors: 'Homma, T. & Saltelli, A.',
    year: 1996,
    title: 'Importance measures in global sensitivity analysis of nonlinear models',
    reference: 'doi:10.1016/0951-8320(96)00002-6',
  },
  {
    authors: 'Jansen, M. J. W.',
    year: 1999,
    title: 'Analysis of variance designs for model output',
    reference: 'doi:10.1016/S0010-4655(98)00154-4',
  },
  {
    authors: 'Saltelli, A.',
    year: 2002,
    title: 'Making best use of model evaluations to compute sensitivity indices',
    reference: 'doi:10.1016/S0010-4655(02)00280-1',
  },
  {
    authors: 'Liu, R. & Owen, A. B.',
    year: 2006,
    title: 'Estimating mean dimensionality of analysis of variance decompositions',
    reference: 'doi:10.1198/016214505000001410',
  },
  {
    authors: 'Saltelli, A., Annoni, P., Azzini, I., Campolongo, F., Ratto, M. & Tarantola, S.',
    year: 2010,
    title:
      'Variance based sensitivity analysis of model output. Design and estimator for the total sensitivity index',
    reference: 'doi:10.1016/j.cpc.2009.09.018',
  },
  {
    authors: 'Owen, A. B.',
    year: 2013,
    title: "Better estimation of small Sobol' sensitivity indices",
    reference: 'doi:10.1145/2457459.2457460',
  },
  {
    authors: 'Janon, A., Klein, T., Lagnoux, A., Nodet, M. & Prieur, C.',
    year: 2014,
    title: 'Asymptotic normality and efficiency of two Sobol index estimators',
    reference: 'doi:10.1051/ps/2013040',
  },
  {
    authors: 'Azzini, I., Mara, T. A. & Rosati, R.',
    year: 2021,
    title: "Comparison of two sets of Monte Carlo estimators of Sobol' indices",
    reference: 'doi:10.1016/j.envsoft.2021.105167',
  },
  {
    authors: 'Gamboa, F., Janon, A., Klein, T. & Lagnoux, A.',
    year: 2014,
    title: 'Sensitivity analysis for multidimensional and functional outputs',
    reference: 'doi:10.1214/14-EJS895',
  },
  {
    authors: 'Owen, A. B.',
    year: 1997,
    title: 'Scrambled net variance for integrals of smooth functions',
    reference: 'doi:10.1214/aos/1031594731',
  },
  {
    authors: 'Efron, B.',
    year: 1987,
    title: 'Better bootstrap confidence intervals',
    reference: 'doi:10.1080/01621459.1987.10478410',
  },
];
