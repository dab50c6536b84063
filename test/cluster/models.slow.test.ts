import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { ClusterProgress, ModelMethod, Result } from '../../engine/index.ts';
import { local } from '../../estimators/cluster.ts';
import {
  adaptiveMultiple,
  controlVariates,
  crossEntropy,
  evaluatePoints,
  expectations,
  ibis,
  importanceSampling,
  importanceSobol,
  iterate,
  lastParticle,
  lawImpact,
  moduleModel,
  monteCarlo,
  multilevel,
  multivariateNormal,
  normal,
  persistentSampler,
  pointwise,
  run,
  smcSampler,
  sobolIndices,
  splitting,
  stratified,
  umBridge,
  uniform,
} from '../../estimators/index.ts';

// Methods that ask a model batch after batch, on a cluster: as on one machine, bit for bit.
const url = new URL('./models/wave.mjs', import.meta.url);
const [wave, sum, density] = [moduleModel(url), moduleModel(url, 'sum'), moduleModel(url, 'density')];
const side = uniform(-Math.PI, Math.PI);
const inputs = { a: side, b: side, c: side };
const bell = { a: normal(0, 1), b: normal(0, 1), c: normal(0, 1) };
const event = { above: 5 };
const two = multivariateNormal(
  [0, 0],
  [
    [1, 0],
    [0, 1],
  ],
);

type Method = ModelMethod<unknown, Result>;
const METHODS: Readonly<Record<string, () => unknown>> = {
  expectations: () =>
    expectations({
      ...{ model: wave, inputs, points: 512, outputs: ['y', 'z'] },
      expectations: { y: { of: 'y' }, large: { event: { output: 'z', above: 100 } } },
    }),
  importanceSobol: () => importanceSobol({ model: sum, inputs: bell, points: 256 }),
  stratified: () => stratified({ model: sum, inputs: bell, points: 400, strata: { a: 4 } }),
  controlVariates: () => controlVariates({ model: sum, inputs: bell, points: 512 }),
  lawImpact: () =>
    lawImpact({ model: sum, inputs: bell, points: 1024, perturbations: { a: { means: [0.5] } } }),
  multilevel: () =>
    multilevel({
      levels: (l) => ({
        ...{ model: moduleModel(url, l === 0 ? 'level' : 'pair'), inputs: { a: normal(0, 1) } },
        cost: 2 ** l,
      }),
      samples: [500, 200],
    }),
  importanceSampling: () => importanceSampling({ target: density, proposal: two, points: 1000 }),
  adaptiveMultiple: () =>
    adaptiveMultiple({ model: sum, inputs: bell, points: 300, stages: 2, stagePoints: 100 }),
  crossEntropy: () => crossEntropy({ model: sum, inputs: bell, event, stagePoints: 200, points: 400 }),
  splitting: () => splitting({ model: sum, inputs: bell, event, particles: 50, runs: 2, moves: 2 }),
  lastParticle: () =>
    lastParticle({
      model: sum,
      inputs: bell,
      event: { above: 2 },
      particles: 20,
      runs: 2,
      moves: 2,
      removed: 10,
    }),
  smcSampler: () =>
    smcSampler({
      prior: { x1: normal(1, 2), x2: normal(0, 2) },
      logLikelihood: density,
      particles: 64,
      runs: 2,
    }),
  persistentSampler: () =>
    persistentSampler({
      prior: { x1: normal(1, 2), x2: normal(0, 2) },
      logTarget: density,
      particles: 64,
      runs: 2,
    }),
};

/** A result without what says where it was computed. */
function told({ provenance, ...rest }: Result): string {
  return JSON.stringify({ ...rest, seed: provenance.seed }, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}

for (const [name, make] of Object.entries(METHODS)) {
  test(`run(${name}, { cluster }): the bits of one machine, batch after batch`, async () => {
    const method = (): Method => make() as Method;
    const alone = await run(method(), { seed: 7, backend: jsBackend() });
    const cluster = local({ threads: 0 });
    const seen: ClusterProgress[] = [];
    const submit = { shards: 2, progress: (at: ClusterProgress) => seen.push(at) };
    try {
      const result = await run(method(), { seed: 7, cluster, submit, backend: jsBackend() });
      expect(told(result)).toBe(told(alone));
      expect(result.provenance.notes.join()).toContain('The model ran on a cluster (local).');
      expect(seen.at(-1)).toMatchObject({ failed: 0, total: 2, evaluations: alone.diagnostics.evaluations });
    } finally {
      await cluster.close();
    }
  });
}

test('iterate(method, { cluster }): steps, budgets and snapshots as on one machine, also of methods with shards', async () => {
  const cluster = local({ threads: 0 });
  const options = { seed: 7, backend: jsBackend() };
  try {
    for (const make of [
      () => monteCarlo({ model: wave, inputs, points: 32, replicates: 2 }),
      () => sobolIndices({ model: wave, inputs, points: 32, replicates: 2 }),
    ]) {
      const method = make() as Method;
      const steps = iterate(method, { ...options, cluster, submit: { shards: 2 } });
      const { value } = await steps.next();
      const saved = await (value as { snapshot(): Promise<Uint8Array> }).snapshot();
      await steps.return(value as never);
      const rest = iterate(method, { ...options, cluster, from: saved });
      let last = await rest.next();
      while (!last.done) last = await rest.next();
      expect(told(last.value)).toBe(told(await run(method, options)));
    }
    const part = await run(METHODS.crossEntropy!() as Method, { ...options, cluster, budget: { steps: 1 } });
    expect(part.outcome.kind).toBe('unfinished');
  } finally {
    await cluster.close();
  }
});

test('run(method, { cluster }): models that cannot travel, and methods without any, are refused in words', async () => {
  const cluster = local({ threads: 0 });
  const refused = (method: unknown, options: object, ...texts: readonly string[]): Promise<unknown> =>
    Promise.all(
      texts.map((text) =>
        expect(run(method as Method, { cluster, seed: 1, ...options })).rejects.toThrow(text),
      ),
    );
  const prior = { x1: normal(0, 1) };
  const by = (model: unknown): unknown => crossEntropy({ model: model as typeof wave, inputs: bell, event });
  try {
    await refused(
      by(pointwise(() => 1)),
      {},
      'crossEntropy: option `model` is a function, which cannot travel',
    );
    await refused(
      by(umBridge({ url: 'http://localhost:1' })),
      {},
      'option `model` is a connection, which cannot travel',
    );
    const pair = { logDensity: () => {}, gradient: () => {} };
    await refused(
      ...[smcSampler({ prior, logLikelihood: pair }), {}],
      'smcSampler: option `logLikelihood` is a pair of functions, which cannot travel to other machines; expected a model in a module: moduleModel(url).',
    );
    await refused(importanceSampling({ inputs: bell }), {}, 'importanceSampling: option `target` is absent');
    await refused(
      ...[ibis({ prior, logLikelihood: () => {}, terms: 3 }), {}],
      'ibis is not cut into shards, and has no model that others could evaluate',
    );
    await refused(by(sum), { submit: { checkpoint: 'kept' } }, 'option `submit.checkpoint` is');
  } finally {
    await cluster.close();
  }
});

test('evaluatePoints(): given points on a cluster as on one machine, failed ones told', async () => {
  const cluster = local({ threads: 0 });
  const points = Float64Array.from({ length: 3 * 40 }, (_, at) => ((at * 37) % 64) / 19);
  const options = { model: moduleModel(url, 'holed'), inputs: ['a', 'b', 'c'], points };
  try {
    const alone = await evaluatePoints({ ...options, backend: jsBackend() });
    const seen: ClusterProgress[] = [];
    const submit = { shards: 7, progress: (at: ClusterProgress) => seen.push(at) };
    expect(await evaluatePoints({ ...options, cluster, submit, backend: jsBackend() })).toEqual(alone);
    expect(seen.at(-1)).toMatchObject({ done: 7, total: 7, evaluations: 40 });
    const failed = Array.from({ length: 40 }, (_, i) => i).filter((i) => points[3 * i]! > 3.1);
    expect(failed.length).toBeGreaterThan(0);
    expect(alone.failures.map(({ index }) => index)).toEqual(failed);
    expect(alone.failures[0]).toMatchObject({ input: points.slice(3 * failed[0]!, 3 * failed[0]! + 3) });
    expect(alone.failures[0]!.reason).toContain('a is too large');
    alone.values.forEach((y, i) => {
      const [a, b, c] = points.subarray(3 * i);
      expect(y).toBe(failed.includes(i) ? Number.NaN : Math.sin(a!) + b! + c!);
    });
    await expect(evaluatePoints({ ...options, points: [1, 2] })).rejects.toThrow(
      'evaluatePoints: `points` has 2 numbers; expected a multiple of 3, a row for each point.',
    );
    await expect(evaluatePoints({ ...options, inputs: ['a', 'a', 'c'] })).rejects.toThrow('each once');
    await expect(evaluatePoints({ ...options, model: pointwise(() => 1), cluster })).rejects.toThrow(
      'option `model` is a function, which cannot travel',
    );
  } finally {
    await cluster.close();
  }
});
