import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { solveLower } from '../../../engine/math/linear-algebra.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';

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

/** A normal law N(mean, L L') as a part of a component. */
export interface NormalPart {
  /** Its share of the component. */
  readonly share: number;
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d], lower triangular. */
  readonly factor: Float64Array;
}

/** The mixture of the laws alone: what the first stage draws from. */
export function lawsAlone(dimension: number, count: number): Proposal {
  const share = new Float64Array(count + 1);
  share[count] = 1;
  return assemble(
    dimension,
    Array.from({ length: count }, () => []),
    share,
  );
}

/** The proposal of components [J] made of parts, each list empty for the mixture of the laws. */
export function assemble(
  dimension: number,
  components: readonly (readonly NormalPart[])[],
  share: Float64Array,
): Proposal {
  const parts = components.flat();
  const triangle = (dimension * (dimension + 1)) / 2;
  const first = new Uint32Array(components.length + 1);
  components.forEach((own, j) => {
    first[j + 1] = first[j]! + own.length;
  });
  const proposal: Proposal = {
    dimension,
    count: components.length,
    share,
    first,
    partShare: Float64Array.from(parts, (part) => part.share),
    mean: new Float64Array(parts.length * dimension),
    lower: new Float64Array(parts.length * triangle),
    whiten: new Float64Array(parts.length * triangle),
    logPeak: new Float64Array(parts.length),
  };
  parts.forEach((part, p) => {
    proposal.mean.set(part.mean, p * dimension);
    pack(part.factor, dimension, proposal.lower.subarray(p * triangle));
    pack(inverseLower(part.factor, dimension), dimension, proposal.whiten.subarray(p * triangle));
    let peak = -dimension * HALF_LOG_TWO_PI;
    for (let c = 0; c < dimension; c++) peak -= log(part.factor[c * dimension + c]!);
    proposal.logPeak[p] = peak;
  });
  return proposal;
}

/** The parts of component j, as `assemble` took them. */
export function partsOf(proposal: Proposal, j: number): readonly NormalPart[] {
  const { dimension: d, first, mean, lower, partShare } = proposal;
  const triangle = (d * (d + 1)) / 2;
  return Array.from({ length: first[j + 1]! - first[j]! }, (_, at) => {
    const p = first[j]! + at;
    const factor = new Float64Array(d * d);
    for (let r = 0, from = p * triangle; r < d; r++)
      for (let c = 0; c <= r; c++) factor[r * d + c] = lower[from++]!;
    return { share: partShare[p]!, mean: mean.slice(p * d, (p + 1) * d), factor };
  });
}

function pack(matrix: Float64Array, d: number, out: Float64Array): void {
  let to = 0;
  for (let r = 0; r < d; r++) for (let c = 0; c <= r; c++) out[to++] = matrix[r * d + c]!;
}

/** L^-1 [d, d] of a lower triangular L [d, d]. */
function inverseLower(factor: Float64Array, d: number): Float64Array {
  const inverse = new Float64Array(d * d);
  const column = new Float64Array(d);
  for (let c = 0; c < d; c++) {
    column.fill(0);
    column[c] = 1;
    solveLower(factor, d, column);
    for (let r = c; r < d; r++) inverse[r * d + c] = column[r]!;
  }
  return inverse;
}
