/** What the adaptation and the final stage need of the checked options. */
export interface AdaptationSettings {
  /** N_max */
  readonly points: number;
  /** Most adapting stages, the first included. */
  readonly stages: number;
  /** N_k, points of an adapting stage: floor(floor(points / 2) / stages). */
  readonly perStage: number;
  readonly proposal: 'normal' | 'diagonal' | 'mixture';
  /** 0 in `published`. */
  readonly floor: number;
  /** 0 in `published`. */
  readonly defensive: number;
  readonly controls: 'own' | 'all' | 'none';
  readonly design: 'sobol' | 'iid';
  readonly replicates: number;
  readonly scrambles: 'independent' | 'shared';
  readonly allocation: 'shares' | 'drawn';
  readonly keep: 'best' | 'newest';
  /** Absolute ridge 1e-6 and no ladder for rare events, as released. */
  readonly published: boolean;
  /** How the loss sum_j w_j Var(I^_j), or that of the functionals, is weighted. */
  readonly weights: 'relative' | 'equal' | Float64Array;
  /** S, functionals that the sample is spent on; 0: on the weighted expectations. */
  readonly targets: number;
  /** D [S, J] = d psi / d I at I [J]; only asked when `targets` > 0. */
  gradients(expectations: Float64Array, out: Float64Array): void;
}
