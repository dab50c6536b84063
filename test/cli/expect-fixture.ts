import type { ExpectationsReport } from '../../cli/report/input.ts';
import type { ExpectationDiagnostics, ExpectationsResult } from '../../estimators/index.ts';
import { estimate } from './fixture.ts';

export interface MadeExpectations {
  readonly names?: readonly string[];
  readonly value?: readonly number[];
  /** Half-widths of the 95 % intervals; NaN where there is none. */
  readonly half?: readonly number[];
  readonly told?: readonly Partial<ExpectationDiagnostics>[];
  readonly functional?: readonly [name: string, value: number, half: number];
}

/** A result without a run: means of 1 to 3 m, a probability of 1e-6, another that was never seen, one with a heavy tail. */
export const MIXED: MadeExpectations = {
  names: ['mean', 'under <load>', 'beyond', 'never', 'wild'],
  value: [1.23456, 3.1, 1.234e-6, Number.NaN, 123.456],
  half: [0.01, 0.2, 4e-8, Number.NaN, Number.NaN],
  told: [
    { varianceRatio: 0.8 },
    { varianceRatio: 0.1, ess: 2000 },
    { varianceRatio: 1e-5 },
    { status: 'unseen', ess: 0, paretoShape: Number.NaN, varianceRatio: Number.NaN },
    { status: 'heavy', ess: 12, paretoShape: 0.83, largestShare: 0.4, varianceRatio: 7 },
  ],
  functional: ['ratio', 2.51, 0.16],
};

export function madeExpectations(made: MadeExpectations = MIXED): ExpectationsResult {
  const names = made.names ?? ['mean'];
  const J = names.length;
  const value = made.value ?? names.map((_, j) => 1 + j / 10);
  const half = made.half ?? names.map(() => 0.01);
  const [name, ratio, width] = made.functional ?? [];
  return {
    estimate: estimate(names, value, half),
    covariance: new Float64Array(J * J).fill(Number.NaN),
    functionals: estimate(name === undefined ? [] : [name], [ratio ?? 0], [width ?? 0]),
    unbiased: true,
    diagnosticsOf: names.map((own, j) => ({
      name: own,
      status: 'estimated',
      control: 0.5,
      ess: 5000,
      paretoShape: 0.2,
      largestShare: 0.001,
      varianceRatio: 0.5,
      ...made.told?.[j],
    })),
    stages: [1, 0.3, 0.02].map((loss, s) => ({
      points: 1000,
      loss,
      share: Float64Array.from({ length: J + 1 }, (_, k) =>
        s === 0 ? Number(k === J) : k < J ? 0.9 / J : 0.1,
      ),
      certificate: 0.01,
    })),
    outputs: { names: ['level'], values: new Float64Array(8192) },
    design: { perReplicate: 1024, independent: false },
    failures: [],
    failed: 0,
    sample: { points: new Float64Array(16384), shape: [8192, 2], logWeight: new Float64Array(8192) },
    outcome: { kind: 'converged' },
    diagnostics: { ess: 12, evaluations: 11_192, warnings: [], done: 11_192, total: 11_192 },
    provenance: {
      seed: 7,
      backend: 'wasm',
      adapter: 'WASM SIMD, 2 threads',
      precision: 'float64',
      version: '0.1.0',
      notes: [],
    },
  };
}

/** The same as what a report is made from; every expectation is a mean unless `kinds` says otherwise. */
export function madeReport(
  made: MadeExpectations = MIXED,
  more: Partial<ExpectationsReport> = {},
): ExpectationsReport {
  const result = madeExpectations(made);
  return {
    result,
    interrupted: false,
    design: 'sobol',
    kinds: result.estimate.names.map(() => 'level'),
    units: result.estimate.names.map(() => 'm'),
    laws: [{ name: 'load', changes: ['a: normal, mean 1, sd 2'] }],
    model: 'dike.ts',
    modelHash: 'ab12',
    settings: 'dike.ts, 2 inputs, seed 7',
    lead: ['8192 points.'],
    warnings: [{ code: 'pareto-k', message: 'For `wild` a few huge weights decide the answer.' }],
    inputs: [{ name: 'a', law: 'uniform on [0, 1]' }],
    command: 'ensample expect dike.ts --seed 7',
    elapsed: 1200,
    csv: 'kind,name\n',
    json: '{}\n',
    ...more,
  };
}
