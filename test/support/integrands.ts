import { bestHost } from '../../engine/backend/host.ts';
import { HALF_LOG_TWO_PI } from '../../engine/math/gamma.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { finalBlock, finalSize } from '../../estimators/importance/expectations/final.ts';
import type { Integrands } from '../../estimators/importance/expectations/integrands.ts';
import type { AdaptationSettings } from '../../estimators/importance/expectations/settings.ts';
import { firstStage, nextStage } from '../../estimators/importance/expectations/stage.ts';
import type { ExpectationsState } from '../../estimators/importance/expectations/state.ts';

/** Functions of one standard normal, with no model behind them. */
export function ofOneNormal(functions: readonly ((x: number) => number)[]): Integrands {
  const count = functions.length;
  let evaluations = 0;
  return {
    dimension: 1,
    count,
    names: functions.map((_, j) => `I${j}`),
    laws: 1,
    lawOf: new Uint32Array(count),
    outputs: ['y'],
    events: [],
    place: { card: undefined, notes: [] },
    get evaluations() {
      return evaluations;
    },
    transport: (_law, u, x) => x.set(u.map(normalQuantile)),
    async evaluate(x, n) {
      evaluations += n;
      const phi = Float64Array.from({ length: n * count }, (_, at) =>
        functions[at % count]!(x[Math.floor(at / count)]!),
      );
      const logBase = x.slice(0, n).map((value) => -HALF_LOG_TWO_PI - 0.5 * value * value);
      const rest = { scores: new Float64Array(0), outputs: x.slice(0, n), inputs: x.slice(0, n) };
      const law = new Float64Array(n).fill(1);
      return { phi, law, top: logBase, logBase, ...rest, failures: [] };
    },
    dispose: () => undefined,
  };
}

/** Checked settings, as the options' defaults make them. */
export function settingsOf(points: number, given: Partial<AdaptationSettings> = {}): AdaptationSettings {
  const stages = given.stages ?? 5;
  return {
    points,
    stages,
    perStage: Math.floor(Math.floor(points / 2) / stages),
    proposal: 'normal',
    floor: 0.05,
    defensive: 0.1,
    controls: 'own',
    design: 'sobol',
    replicates: 8,
    scrambles: 'independent',
    allocation: 'shares',
    keep: 'best',
    published: false,
    weights: 'relative',
    targets: 0,
    gradients: () => undefined,
    ...given,
  };
}

/** The paper's released algorithm. */
export const RELEASED: Partial<AdaptationSettings> = {
  floor: 0,
  defensive: 0,
  design: 'iid',
  replicates: 1,
  allocation: 'drawn',
  keep: 'newest',
  published: true,
};

/** Kernels of one thread; their bits are those of plain JavaScript. */
const host = bestHost(1);

/** A whole run without a model: the state at its end and the estimates [J]. */
export async function adaptedRun(
  integrands: Integrands,
  settings: AdaptationSettings,
  seed: number,
): Promise<{ readonly state: ExpectationsState; readonly value: Float64Array }> {
  const signal = new AbortController().signal;
  const ctx: Context = { rng: rngFromSeed(seed), backend: await host, signal };
  const state = await firstStage(integrands, settings, ctx);
  while (state.search !== undefined) await nextStage(state, state.search, settings, ctx);
  const { planned } = finalSize(state.drawn, settings);
  while (!state.points.final || state.points.n < planned) await finalBlock(state, settings, ctx);
  const { summand, constant, n } = state.points;
  const { count } = integrands;
  const value = constant.slice();
  for (let at = 0; at < n * count; at++) value[at % count]! += summand[at]! / n;
  return { state, value };
}
