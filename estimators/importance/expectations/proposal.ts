/**
 * g_1..g_J and the mixture of the laws, which is component J: all densities of the working space that the points are
 * drawn from.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | J | count | |
 * | alpha | share | [J + 1] |
 * | mu, L, W = L^-1 of the normal parts | mean, lower, whiten | [P, d], [P, d (d + 1) / 2] twice |
 *
 * Component j < J has the parts first[j] .. first[j + 1] - 1; one without parts is the mixture of the laws.
 */
export interface Proposal {
  readonly dimension: number;
  readonly count: number;
  readonly share: Float64Array;
  /** [J + 1] */
  readonly first: Uint32Array;
  /** [P] share of a part in its component. */
  readonly partShare: Float64Array;
  readonly mean: Float64Array;
  /** Lower triangles by rows. */
  readonly lower: Float64Array;
  readonly whiten: Float64Array;
  /** [P] log of the part's density at its mean. */
  readonly logPeak: Float64Array;
}
