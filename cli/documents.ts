import type {
  IntervalEstimate,
  ModelError,
  OutputIndices,
  SobolResult,
  Warning,
} from '../estimators/index.ts';
import { csvFormatRows } from './generated/tables.mjs';

/** One family of indices in the JSON document; a number that does not exist is null. */
export interface IndexDocument {
  readonly names: readonly string[];
  readonly value: readonly (number | null)[];
  readonly standardError: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** The indices of one output in the JSON document. */
export interface IndicesDocument {
  readonly S1: IndexDocument;
  readonly ST: IndexDocument;
  readonly S2?: IndexDocument;
}

/** What `--json` prints. One output stands in `indices`; several in `outputs`, their aggregate in `indices`. */
export interface ResultDocument {
  readonly method: string;
  readonly version: string;
  readonly seed: number;
  readonly backend: string;
  readonly evaluations: number;
  readonly points: number;
  readonly replicates: number;
  readonly completeReplicates: number;
  readonly design: string;
  readonly estimator: string;
  readonly interval: string;
  readonly level: number;
  readonly interrupted: boolean;
  readonly indices?: IndicesDocument;
  readonly outputs: readonly {
    readonly name: string;
    readonly mean: number | null;
    readonly variance: number | null;
    readonly indices: IndicesDocument;
  }[];
  /** Points at which the model failed, and base points left out because of them. */
  readonly failed: number;
  readonly dropped: number;
  /** The first 1000 of them. */
  readonly failures: readonly {
    readonly point: number;
    readonly input: readonly (number | null)[];
    readonly reason: string;
  }[];
  readonly warnings: readonly Warning[];
}

/**
 * The whole result as one JSON document with full precision, ending in a newline.
 * @param more what another method than `sobolIndices` adds, or says instead.
 */
export function jsonDocument(result: SobolResult, more: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({ ...resultDocument(result), ...more }, null, 2)}\n`;
}

function resultDocument(result: SobolResult): ResultDocument {
  const { design, provenance } = result;
  const main = result.aggregated ?? (result.outputs.length === 1 ? result.outputs[0] : undefined);
  return {
    method: 'sobol-indices',
    version: provenance.version,
    seed: provenance.seed,
    backend: provenance.backend,
    evaluations: design.evaluations,
    points: design.points,
    replicates: design.replicates,
    completeReplicates: design.completeReplicates,
    design: design.kind,
    estimator: design.estimator,
    interval: design.interval,
    level: result.totalOrder.level,
    interrupted: design.completeReplicates < design.replicates,
    ...(main === undefined ? {} : { indices: indicesDocument(main) }),
    outputs: result.outputs.map((output) => ({
      name: output.name,
      mean: finite(output.mean),
      variance: finite(output.variance),
      indices: indicesDocument(output),
    })),
    failed: result.failed,
    dropped: result.dropped,
    failures: result.failures.map(({ index, input, reason }) => ({
      point: index,
      input: Array.from(input, finite),
      reason,
    })),
    warnings: result.diagnostics.warnings,
  };
}

function indicesDocument(indices: OutputIndices): IndicesDocument {
  return {
    S1: indexDocument(indices.firstOrder),
    ST: indexDocument(indices.totalOrder),
    ...(indices.secondOrder === undefined ? {} : { S2: indexDocument(indices.secondOrder) }),
  };
}

/** An estimate with its errors as JSON has it. */
export function indexDocument({ names, value, standardError, low, high }: IntervalEstimate): IndexDocument {
  const numbers = (list: Float64Array): (number | null)[] => Array.from(list, finite);
  return {
    names,
    value: numbers(value),
    standardError: numbers(standardError),
    low: numbers(low),
    high: numbers(high),
  };
}

/** A number as JSON has it: null where there is none. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** All indices as CSV: output, index, input, value, standard error, low, high, level. NaN is an empty cell. */
export function csvDocument(result: SobolResult): string {
  const rows: (string | number)[][] = [
    ['output', 'index', 'input', 'value', 'standardError', 'low', 'high', 'level'],
  ];
  const outputs = result.aggregated === undefined ? result.outputs : [result.aggregated, ...result.outputs];
  for (const indices of outputs) {
    const name = indices === result.aggregated ? 'aggregated' : indices.name;
    const families = [
      ['S1', indices.firstOrder],
      ['ST', indices.totalOrder],
      ['S2', indices.secondOrder],
    ] as const;
    for (const [index, estimate] of families) {
      if (estimate === undefined) continue;
      estimate.names.forEach((input, i) => {
        const numbers = [estimate.value, estimate.standardError, estimate.low, estimate.high];
        rows.push([
          nameCell(name),
          index,
          nameCell(input),
          ...numbers.map((list) => numberCell(list[i]!)),
          estimate.level,
        ]);
      });
    }
  }
  return csvText(rows);
}

/** The points at which a model failed, as CSV: point, one column an input, reason. */
export function failureDocument(failures: ModelError['failures'], names: readonly string[]): string {
  const rows: (string | number)[][] = [['point', ...names.map(nameCell), 'reason']];
  for (const { index, input, reason } of failures)
    rows.push([index, ...Array.from(input, numberCell), nameCell(reason)]);
  return csvText(rows);
}

/** Rows as CSV text, quoted where needed, numbers in the shortest form that reads back to the same bits. */
export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return `${csvFormatRows(rows.map((row) => row.map(String)))}\n`;
}

/** A name as a cell: one that a spreadsheet would take for a formula gets an apostrophe. */
export function nameCell(name: string): string {
  return /^[=+\-@]/.test(name) ? `'${name}` : name;
}

/** A number as a cell; NaN is an empty one. */
export function numberCell(value: number): string {
  return Number.isNaN(value) ? '' : String(value);
}
