import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { show } from '../../engine/check.ts';
import { ModelError, OptionError } from '../../engine/errors.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import { normalizedWeight } from '../../engine/particles/log-weight.ts';
import { loadModule } from '../../engine/pool/module.ts';
import { PURPOSE, TAG } from '../../engine/random/purpose.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Context, Ending, Sample, Step } from '../../engine/sampler.ts';
import { encodeParticles, encodeRefs, type Keep } from './kept.ts';
import type { IslandAnswer, IslandMaker } from './types.ts';

const WHERE = 'islands';

/** Some islands, one after the other: R of them with k means and m draws of d coordinates each. */
export interface IslandRows {
  /** [R] log Z from the beginning. */
  readonly logNormalizer: Float64Array;
  /** [R] log Z at the last exchange less L of then; 0 before the first. */
  readonly base: Float64Array;
  /** [R, k] */
  readonly mean: Float64Array;
  /** [R, m, d] */
  readonly points: Float64Array;
  /** [R, 3] effective particles, evaluations, bytes of the state. */
  readonly counts: Float64Array;
  /** [R] 1 where Z is unbiased, 2 where the island has come to its end. */
  readonly flags: Uint8Array;
  /** Where the particles of the islands lie, one reference each; empty where they are not kept. */
  readonly kept: Uint8Array;
  /** States of the islands, where they are to go on. */
  readonly states: Uint8Array;
  /** JSON of what all islands share: names of the k means, d, log Z booked at exchanges, their number and who moved. */
  readonly shared: Uint8Array;
}

/** What the islands share. */
export interface Shared {
  readonly names: readonly string[];
  readonly dimension: number;
  /** Sum of the logs of the mean Z at exchanges. */
  readonly booked: number;
  readonly exchanges: number;
  /** Islands that went on from another's state, over all exchanges. */
  readonly moved: number;
}

export const UNBIASED = 1;
export const ENDED = 2;

/** What one island does in one go. */
export interface Stretch {
  /** State to go on from; the beginning when absent. */
  readonly from?: Uint8Array | undefined;
  /** Steps to take; to the end when absent. Then the state is not kept. */
  readonly steps?: number | undefined;
  /** Draws to keep of its sample. */
  readonly draws: number;
  /** Keeps all particles at the end. */
  readonly keep?: Keep | undefined;
  readonly base: number;
  readonly booked: number;
  readonly exchanges: number;
  readonly moved: number;
}

/**
 * The maker of an island's method.
 * @throws ModelError when the module has no such export.
 */
export async function makerOf(method: IslandMaker | ModuleModel): Promise<IslandMaker> {
  if (typeof method === 'function') return method;
  const found = (await loadModule(method.url))[method.exportName];
  if (typeof found === 'function') return found as IslandMaker;
  throw new ModelError({
    where: WHERE,
    found: `export \`${method.exportName}\` is ${show(found)}`,
    expected: 'a function that makes a method, such as () => particleFilter({ ... })',
  });
}

/** One island, with random numbers of its own. @param rng of the run. */
export async function computeIsland(
  make: IslandMaker,
  index: number,
  stretch: Stretch,
  { rng, backend, signal }: Context,
  ending: Ending,
): Promise<IslandRows> {
  const own = { rng: rng.child(TAG.replicate, index), backend, signal };
  const method = make();
  const { from, steps = Infinity, draws } = stretch;
  let at: Step<unknown> =
    from === undefined ? await method.init(own) : await method.restore(withKey(from, own.rng), own);
  try {
    for (let taken = from === undefined ? 1 : 0; !at.done && taken < steps; taken++) {
      signal.throwIfAborted();
      at = await method.step(at.state, own);
    }
    const result = await method.result(at.state, ending);
    const state = steps === Infinity || at.done ? undefined : await method.snapshot(at.state);
    const ref = at.done ? await stretch.keep?.(encodeParticles(result.sample)) : undefined;
    const row = rowOf(result, at, state, stretch, drawn(result.sample, draws, index, rng));
    return { ...row, kept: encodeRefs(ref === undefined ? [] : [ref]) };
  } finally {
    method.dispose(at.state);
  }
}

/** The state of another island, to go on with random numbers of one's own. */
function withKey(state: Uint8Array, { key }: Rng): Uint8Array {
  const { header, arrays } = decodeState(state);
  if (header !== null && typeof header === 'object' && 'key' in header)
    return encodeState({ ...header, key }, arrays);
  throw new OptionError({
    where: WHERE,
    option: 'exchange',
    value: undefined,
    found: 'the states of this method do not say whose random numbers they go on with',
    expected: 'a particle filter, an SMC sampler or a corrector',
  });
}

function rowOf(
  result: IslandAnswer,
  { done, info }: Step<unknown>,
  state: Uint8Array | undefined,
  { base, booked, exchanges, moved }: Stretch,
  points: Float64Array,
): Omit<IslandRows, 'kept'> {
  const { logNormalizer } = result;
  if (logNormalizer === undefined || typeof logNormalizer.value !== 'number') throw noEvidence();
  const { names, mean } = meansOf(result);
  const shared: Shared = { names, dimension: result.sample.shape[1], booked, exchanges, moved };
  const flags = (logNormalizer.unbiased === false ? 0 : UNBIASED) + (done ? ENDED : 0);
  return {
    logNormalizer: Float64Array.of(logNormalizer.value),
    base: Float64Array.of(base),
    mean,
    points,
    counts: Float64Array.of(info.ess, info.evaluations, state?.length ?? 0),
    flags: Uint8Array.of(flags),
    states: state ?? new Uint8Array(0),
    shared: new TextEncoder().encode(JSON.stringify(shared)),
  };
}

function noEvidence(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'method',
    value: undefined,
    found: 'the answer of `method` has no `logNormalizer`',
    expected: 'a particle filter, an SMC sampler or a corrector',
  });
}

/** What an island estimates besides log Z; a filter the state at its last step. */
function meansOf(result: IslandAnswer): { readonly names: readonly string[]; readonly mean: Float64Array } {
  const { names, value } = result.estimate;
  const own = names.flatMap((name, i) => (name === 'logNormalizer' ? [] : [i]));
  if (own.length > 0)
    return { names: own.map((i) => names[i]!), mean: Float64Array.from(own, (i) => value[i]!) };
  const { mean } = result as { readonly mean?: unknown };
  const d = result.sample.shape[1];
  if (!(mean instanceof Float64Array) || mean.length < d) return { names: [], mean: new Float64Array(0) };
  return { names: Array.from({ length: d }, (_, c) => `x${c + 1}`), mean: mean.slice(mean.length - d) };
}

/** m draws of the island's own weighted sample, systematic, with random numbers of the run. */
function drawn({ points, shape, logWeight }: Sample, m: number, index: number, rng: Rng): Float64Array {
  const [n, d] = shape;
  const weight = normalizedWeight(logWeight);
  const out = new Float64Array(m * d).fill(Number.NaN);
  const u = rng.stream({ purpose: PURPOSE.permutation, particle: index }).uniform();
  let [row, sum] = [0, weight[0] ?? 0];
  for (let i = 0; i < m && n > 0; i++) {
    while (sum <= (i + u) / m && row < n - 1) sum += weight[++row]!;
    out.set(points.subarray(row * d, (row + 1) * d), i * d);
  }
  return out;
}

/** What all islands share. */
export function sharedOf({ shared }: IslandRows): Shared {
  const parsed: Shared = JSON.parse(new TextDecoder().decode(shared), (_, value) =>
    value === '-Infinity' ? -Infinity : value,
  );
  return parsed;
}

/** States in the order of islands. */
export function statesOf({ counts, states }: IslandRows): readonly Uint8Array[] {
  let at = 0;
  return Array.from({ length: counts.length / 3 }, (_, k) => {
    at += counts[3 * k + 2]!;
    return states.subarray(at - counts[3 * k + 2]!, at);
  });
}
