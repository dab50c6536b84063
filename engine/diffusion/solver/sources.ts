import type { Source } from '../../types.ts';

/** Papers behind several solvers. */

export const DDIM: Source = {
  authors: 'Song, Meng, Ermon',
  year: 2021,
  title: 'Denoising diffusion implicit models',
  reference: 'arXiv:2010.02502',
};

export const DPM_SOLVER: Source = {
  authors: 'Lu, Zhou, Bao, Chen, Li, Zhu',
  year: 2022,
  title: 'DPM-Solver: a fast ODE solver for diffusion probabilistic model sampling in around 10 steps',
  reference: 'arXiv:2206.00927',
};
