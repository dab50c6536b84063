import type { Source } from '../../types.ts';

/** Papers behind several solvers. */

export const DDIM: Source = {
  authors: 'Song, J., Meng, C. & Ermon, S.',
  year: 2021,
  title: 'Denoising Diffusion Implicit Models',
  reference: 'ICLR, arXiv:2010.02502',
};

export const SCORE_SDE: Source = {
  authors: 'Song, Y., Sohl-Dickstein, J., Kingma, D. P., Kumar, A., Ermon, S. & Poole, B.',
  year: 2021,
  title: 'Score-Based Generative Modeling through Stochastic Differential Equations',
  reference: 'ICLR, arXiv:2011.13456',
};

export const EDM: Source = {
  authors: 'Karras, T., Aittala, M., Aila, T. & Laine, S.',
  year: 2022,
  title: 'Elucidating the Design Space of Diffusion-Based Generative Models',
  reference: 'NeurIPS 35, arXiv:2206.00364',
};

export const DPM_SOLVER: Source = {
  authors: 'Lu, C., Zhou, Y., Bao, F., Chen, J., Li, C. & Zhu, J.',
  year: 2022,
  title: 'DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps',
  reference: 'NeurIPS 35, arXiv:2206.00927',
};

export const DPM_SOLVER_PLUS_PLUS: Source = {
  authors: 'Lu, C., Zhou, Y., Bao, F., Chen, J., Li, C. & Zhu, J.',
  year: 2022,
  title: 'DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models',
  reference: 'arXiv:2211.01095',
};

export const UNIPC: Source = {
  authors: 'Zhao, W., Bai, L., Rao, Y., Zhou, J. & Lu, J.',
  year: 2023,
  title: 'UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models',
  reference: 'NeurIPS 36, arXiv:2302.04867',
};

export const DEIS: Source = {
  authors: 'Zhang, Q. & Chen, Y.',
  year: 2023,
  title: 'Fast Sampling of Diffusion Models with Exponential Integrator',
  reference: 'ICLR, arXiv:2204.13902',
};

export const PNDM: Source = {
  authors: 'Liu, L., Ren, Y., Lin, Z. & Zhao, Z.',
  year: 2022,
  title: 'Pseudo Numerical Methods for Diffusion Models on Manifolds',
  reference: 'ICLR, arXiv:2202.09778',
};
