import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { empirical } from '../../engine/distribution/empirical.ts';
import { gaussianCopula } from '../../engine/distribution/gaussian-copula.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { batch } from '../../engine/model/model.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { numbers } from '../contract/sampler.ts';
import { batchOf, inputsOf, ishigami, type TestFunction } from '../support/functions.ts';

const SEED = 11;
const unit = uniform(0, 1);
const f = ishigami();

function sobol(f: TestFunction, options: Partial<SobolOptions> = {}): Promise<SobolResult> {
  const method = sobolIndices({ model: f.model, inputs: f.inputs, ...options });
  return run(method, { seed: SEED, backend: jsBackend() });
}

describe('going on', () => {
  test('a design of twice the points starts with the points of the smaller one, bit for bit', async () => {
    const small = await sobol(f, { points: 1024, replicates: 4 });
    const large = await sobol(f, { points: 2048, replicates: 4 });
    expect([...large.history.at(-2)!.totalOrder.value]).toEqual([...small.totalOrder.value]);
    expect(large.history.map(({ points }) => points)).toEqual([128, 256, 512, 1024, 2048]);
  });

  test('until doubles until the widest half-width of ST is small enough, and equals the long run', async () => {
    const grown = await sobol(f, { points: 256, until: 0.01 });
    const { low, high } = grown.totalOrder;
    expect(Math.max(...low.map((l, i) => (high[i]! - l) / 2))).toBeLessThanOrEqual(0.01);
    expect(grown.design.points).toBeGreaterThan(256);
    const long = await sobol(f, { points: grown.design.points });
    expect([...grown.estimate.value]).toEqual([...long.estimate.value]);
    expect([...grown.base.x]).toEqual([...long.base.x]);
    const before = long.history.at(-2)!.totalOrder;
    expect(Math.max(...before.low.map((l, i) => (before.high[i]! - l) / 2))).toBeGreaterThan(0.01);
  });

  test('until goes on while a replicate has seen no variance: no index is no narrow interval', async () => {
    const rare = batchOf((x) => (x[0]! > 0.97 && x[1]! > 0.9 ? 1 : 0), 3);
    const grown = await sobol({ ...f, model: rare, inputs: inputsOf(3, unit) }, { points: 64, until: 0.1 });
    const { value, low, high } = grown.totalOrder;
    expect(value.every(Number.isFinite)).toBe(true);
    // Input 3 does nothing: exactly 0 in every replicate, no interval.
    const half = [0, 1].map((i) => (high[i]! - low[i]!) / 2);
    expect(Math.max(...half)).toBeLessThanOrEqual(0.1);
  });

  test('until gives up at maxPoints', async () => {
    const grown = await sobol(f, { points: 256, until: 1e-9, maxPoints: 1500 });
    expect(grown.design.points).toBe(1024);
    const { message } = grown.diagnostics.warnings.find(({ code }) => code === 'target-not-reached')!;
    expect(message).toMatch(/^Doubling ended at 1 024 points with a widest interval of/);
    expect(grown.outcome.kind).toBe('converged');
  });

  test('a finished run goes on to more points from its snapshot, evaluating only the new ones', async () => {
    const options = { model: f.model, inputs: f.inputs };
    let bytes = new Uint8Array(0);
    for await (const at of iterate(sobolIndices({ ...options, points: 512 }), {
      seed: 5,
      backend: jsBackend(),
    })) {
      bytes = new Uint8Array(await at.snapshot());
    }
    let runs = 0;
    const counted = batch((x, out) => {
      runs += out.length;
      return f.model(x, out);
    });
    const method = sobolIndices({ ...options, model: counted, points: 2048 });
    const resumed = await resume(method, bytes, { seed: 5, backend: jsBackend() });
    const whole = await run(sobolIndices({ ...options, points: 2048 }), { seed: 5, backend: jsBackend() });
    expect(runs).toBe((2048 - 512) * 5);
    expect(numbers(resumed)).toEqual(numbers(whole));
  });

  test('a snapshot of inputs with another dependence, or of other atoms, is refused', async () => {
    const backend = jsBackend();
    const snapshotOf = async (method: ReturnType<typeof sobolIndices>): Promise<Uint8Array> => {
      let bytes = new Uint8Array(0);
      for await (const at of iterate(method, { seed: 5, backend }))
        bytes = new Uint8Array(await at.snapshot());
      return bytes;
    };
    const linked = (rho: number) =>
      sobolIndices({
        model: f.model,
        inputs: f.inputs,
        points: 64,
        groups: { odd: ['x1', 'x3'] },
        dependence: gaussianCopula([
          [1, 0, rho],
          [0, 1, 0],
          [rho, 0, 1],
        ]),
      });
    await expect(resume(linked(-0.5), await snapshotOf(linked(0.5)), { seed: 5, backend })).rejects.toThrow(
      /other inputs/,
    );
    const atoms = (middle: number) =>
      sobolIndices({
        model: f.model,
        inputs: { ...f.inputs, x2: empirical([0, middle, 3]) },
        points: 64,
      });
    await expect(resume(atoms(2), await snapshotOf(atoms(1)), { seed: 5, backend })).rejects.toThrow(
      /other inputs/,
    );
  });

  test('a snapshot of a kernel with another text, function or constant is refused', async () => {
    const backend = jsBackend();
    const twice = 'function scaled(v) { return 2 * v; }';
    const method = (
      a = [1, 2],
      { b = 3, sum = '+', scaled = twice }: { b?: number; sum?: '+' | '-'; scaled?: string } = {},
    ) => {
      const text = `function (x) { return scaled(x[0]) * this.constants.a[1] ${sum} this.constants.b * x[1] * x[2]; }`;
      const model = gpuKernel(text, { dims: 3, constants: { a, b }, functions: [scaled] });
      return sobolIndices({ model, inputs: f.inputs, points: 64 });
    };
    let bytes = new Uint8Array(0);
    for await (const at of iterate(method(), { seed: 5, backend }))
      bytes = new Uint8Array(await at.snapshot());
    const others = [
      method([1, 2.5]),
      method([1, 2], { b: 4 }),
      method([1, 2], { sum: '-' }),
      method([1, 2], { scaled: twice.replace('2', '5') }),
    ];
    for (const other of others)
      await expect(resume(other, bytes, { seed: 5, backend })).rejects.toThrow('it is of another kernel');
    await expect(resume(method(), bytes, { seed: 5, backend })).resolves.toBeDefined();
    // The same model in another form: whether it is the same is for its owner to know.
    const plain = sobolIndices({ model: f.model, inputs: f.inputs, points: 64 });
    await expect(resume(plain, bytes, { seed: 5, backend })).resolves.toBeDefined();
  });

  test('a snapshot of another seed, other inputs or more points is refused', async () => {
    const options = { model: f.model, inputs: f.inputs, points: 512 };
    let bytes = new Uint8Array(0);
    for await (const at of iterate(sobolIndices(options), { seed: 5, backend: jsBackend() })) {
      bytes = new Uint8Array(await at.snapshot());
    }
    const backend = jsBackend();
    await expect(resume(sobolIndices(options), bytes, { seed: 6, backend })).rejects.toThrow(/another seed/);
    const other = sobolIndices({ ...options, inputs: inputsOf(3, unit) });
    await expect(resume(other, bytes, { seed: 5, backend })).rejects.toThrow(/other inputs/);
    const fewer = sobolIndices({ ...options, points: 256 });
    await expect(resume(fewer, bytes, { seed: 5, backend })).rejects.toThrow(/it has 512 points/);
  });

  test('an interrupted run answers from its whole replicates; with fewer than two there is no interval', async () => {
    const method = sobolIndices({ model: f.model, inputs: f.inputs, points: 65_536 });
    const seen: SobolResult[] = [];
    for await (const at of iterate(method, { seed: 5, backend: jsBackend() })) seen.push(await at.result());
    const counts = seen.map((r) => r.design.completeReplicates);
    expect(counts[0]).toBe(0);
    expect(counts.at(-1)).toBe(8);
    for (const result of seen) {
      const known = result.totalOrder.low.every(Number.isFinite);
      expect(known).toBe(result.design.completeReplicates >= 2);
      expect(result.diagnostics.warnings.some(({ code }) => code === 'one-replicate')).toBe(!known);
      expect(result.totalOrder.value.every(Number.isFinite)).toBe(true);
    }
  });
});
