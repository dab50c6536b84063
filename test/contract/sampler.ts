import { describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { EngineError, OptionError } from '../../engine/errors.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import type { Result, Sampler } from '../../engine/sampler.ts';

export interface ContractOptions {
  /** Calls that must throw an OptionError before any work, by what is wrong with them. */
  readonly bad: Readonly<Record<string, () => unknown>>;
  /** Further backends that must give the same bits as plain JavaScript: threads, WASM. */
  readonly backends?: Readonly<Record<string, () => Promise<Backend>>>;
  /** The backend of all other runs; plain JavaScript when absent. */
  readonly open?: () => Backend;
}

const SEED = 20_240_229;

/**
 * What every sampler promises, whatever it estimates. `make` returns a fresh method that needs at least three
 * steps to finish.
 */
export function contract<S, R extends Result>(
  name: string,
  make: () => Sampler<S, R>,
  options: ContractOptions,
): void {
  const { open = jsBackend } = options;
  describe(`contract of ${name}`, () => {
    determinism(make, options, open);
    anytime(make, open);
    endings(make, open);
    resuming(make, open);
    badOptions(options);
  });
}

function determinism<S, R extends Result>(
  make: () => Sampler<S, R>,
  options: ContractOptions,
  open: () => Backend,
): void {
  test('same seed, same bits; another seed, other numbers', async () => {
    const first = await run(make(), { seed: SEED, backend: open() });
    const again = await run(make(), { seed: SEED, backend: open() });
    expect(numbers(again)).toEqual(numbers(first));
    const other = await run(make(), { seed: SEED + 1, backend: open() });
    expect(numbers(other)).not.toEqual(numbers(first));
  });

  test('seed 0 is a seed, and an absent seed is drawn and recorded', async () => {
    expect((await run(make(), { seed: 0, backend: open() })).provenance.seed).toBe(0);
    const drawn = await run(make(), { backend: open() });
    const repeated = await run(make(), { seed: drawn.provenance.seed, backend: open() });
    expect(numbers(repeated)).toEqual(numbers(drawn));
  });

  for (const [label, other] of Object.entries(options.backends ?? {})) {
    test(`same bits on ${label} as in plain JavaScript`, async () => {
      const backend = await other();
      try {
        const reference = await run(make(), { seed: SEED, backend: open() });
        const there = await run(make(), { seed: SEED, backend });
        expect(numbers(there)).toEqual(numbers(reference));
      } finally {
        await backend.dispose();
      }
    });
  }
}

function anytime<S, R extends Result>(make: () => Sampler<S, R>, open: () => Backend): void {
  test('result() is valid after every step, and what it lent never changes', async () => {
    const seen: { readonly result: R; readonly before: readonly number[] }[] = [];
    for await (const at of iterate(make(), { seed: SEED, backend: open() })) {
      const result = await at.result();
      const { names, value, standardError } = result.estimate;
      expect(value.length).toBe(names.length);
      expect(standardError.length).toBe(names.length);
      expect(standardError.some((se) => se === 0 && !value.every(Number.isNaN))).toBe(false);
      expect(result.sample.points.length).toBe(result.sample.shape[0] * result.sample.shape[1]);
      expect(result.sample.logWeight.length).toBe(result.sample.shape[0]);
      expect(at.info.total === undefined || at.info.done <= at.info.total).toBe(true);
      seen.push({ result, before: numbers(result) });
    }
    expect(seen.length, 'make() must need at least three steps').toBeGreaterThanOrEqual(3);
    for (const { result, before } of seen) expect(numbers(result)).toEqual(before);
  });
}

function endings<S, R extends Result>(make: () => Sampler<S, R>, open: () => Backend): void {
  test('a spent budget resolves with outcome `unfinished` and disposes', async () => {
    const { sampler, disposed } = watched(make());
    const result = await run(sampler, { seed: SEED, backend: open(), budget: { steps: 1 } });
    expect(result.outcome.kind).toBe('unfinished');
    expect(disposed()).toBe(1);
  });

  test('a finished run is not `unfinished` and disposes', async () => {
    const { sampler, disposed } = watched(make());
    const result = await run(sampler, { seed: SEED, backend: open() });
    expect(result.outcome.kind).not.toBe('unfinished');
    expect(disposed()).toBe(1);
  });

  test('an aborted signal rejects with its reason, before or during the run, and disposes', async () => {
    const reason = new Error('enough');
    const before = run(make(), { seed: SEED, backend: open(), signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    const { sampler, disposed } = watched(make());
    const controller = new AbortController();
    const during = (async () => {
      for await (const _ of iterate(sampler, {
        seed: SEED,
        backend: open(),
        signal: controller.signal,
      })) {
        controller.abort(reason);
      }
    })();
    await expect(during).rejects.toBe(reason);
    expect(disposed()).toBe(1);
  });

  test('leaving the loop disposes', async () => {
    const { sampler, disposed } = watched(make());
    for await (const _ of iterate(sampler, { seed: SEED, backend: open() })) break;
    expect(disposed()).toBe(1);
  });
}

function resuming<S, R extends Result>(make: () => Sampler<S, R>, open: () => Backend): void {
  test('a run resumed from a snapshot equals the uninterrupted one bit for bit', async () => {
    const whole = await run(make(), { seed: SEED, backend: open() });
    let bytes = new Uint8Array(0);
    for await (const at of iterate(make(), { seed: SEED, backend: open() })) {
      bytes = new Uint8Array(await at.snapshot());
      if (at.step === 2) break;
    }
    const resumed = await resume(make(), bytes, { seed: SEED, backend: open() });
    expect(numbers(resumed)).toEqual(numbers(whole));
  });

  test('bytes that are no snapshot of this method are refused', async () => {
    const garbage = resume(make(), new Uint8Array([1, 2, 3]), { seed: SEED, backend: open() });
    await expect(garbage).rejects.toBeInstanceOf(EngineError);
  });
}

function badOptions(options: ContractOptions): void {
  for (const [what, call] of Object.entries(options.bad)) {
    test(`${what} throws an OptionError before any work`, () => {
      expect(call).toThrow(OptionError);
    });
  }
}

/** The same sampler, counting its disposals. */
function watched<S, R extends Result>(
  sampler: Sampler<S, R>,
): { sampler: Sampler<S, R>; disposed: () => number } {
  let count = 0;
  const dispose = (state: S): void => {
    count++;
    sampler.dispose(state);
  };
  return { sampler: { ...sampler, dispose }, disposed: () => count };
}

/** Every number in a result, in order, whatever its shape; provenance (where and when) is left out. */
export function numbers(value: unknown): readonly number[] {
  const found: number[] = [];
  const visit = (item: unknown): void => {
    if (typeof item === 'number') found.push(item);
    else if (ArrayBuffer.isView(item)) for (const x of item as Float64Array) found.push(x);
    else if (Array.isArray(item)) item.forEach(visit);
    else if (item !== null && typeof item === 'object') {
      for (const [key, inner] of Object.entries(item)) if (key !== 'provenance') visit(inner);
    }
  };
  visit(value);
  return found;
}
