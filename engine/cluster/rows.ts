import { checkCount } from '../check.ts';
import { openEvaluator } from '../model/evaluator.ts';
import type { RowAnswer, RowsModel } from '../model/model.ts';
import { OutOfRows } from './out-of-rows.ts';
import { mergeRows } from './summaries.ts';
import type { Codec, Field, Fields, ShardContext } from './types.ts';

/*
 * Outputs of a model at rows that are planned: what shards of every method that evaluates a design have in common. Rows
 * follow each other in the order in which one machine would evaluate them, and the answer is made from them where they
 * come together. So the bits are those of one machine for any cut, and a cut need not be 1024 * 2^m.
 */

/** Rows of a shard, or of several that follow each other. */
export interface RowSummary {
  readonly rows: number;
  readonly k: number;
  /** [rows, k]; NaN in rows that failed. */
  readonly y: Float64Array;
  /** Rows that failed, counted from the first of the summary, and why. */
  readonly failed: readonly { readonly row: number; readonly reason: string }[];
}

export const rowCodec: Codec<RowSummary> = {
  encode({ rows, k, y, failed }): Fields {
    const text = new TextEncoder().encode(JSON.stringify(failed.map(({ reason }) => reason)));
    const flat = (data: Field['data']): Field => ({ data, shape: [data.length] });
    return {
      y: { data: y, shape: [rows, k] },
      failed: flat(Float64Array.from(failed, ({ row }) => row)),
      reasons: flat(text),
    };
  },
  decode({ y, failed, reasons }) {
    const [rows, k] = y?.shape ?? [];
    const texts = JSON.parse(new TextDecoder().decode(reasons?.data as Uint8Array)) as string[];
    if (rows === undefined || k === undefined || texts.length !== failed!.data.length)
      throw new RangeError('rows of another form');
    const told = texts.map((reason, i) => ({ row: failed!.data[i]!, reason }));
    return { rows, k, y: y!.data as Float64Array, failed: told };
  },
};

/**
 * One after the other. Where no row of one side told how many outputs there are, the other side knows.
 * @throws RangeError for sides with other numbers of outputs.
 */
export function mergeRowSummaries(left: RowSummary, right: RowSummary): RowSummary {
  const k = left.k === right.k || right.failed.length === right.rows ? left.k : right.k;
  const [a, b] = [widened(left, k), widened(right, k)];
  const { y } = mergeRows({ y: a.y }, { y: b.y });
  const failed = [...a.failed, ...b.failed.map(({ row, reason }) => ({ row: row + a.rows, reason }))];
  return { rows: a.rows + b.rows, k, y, failed };
}

function widened(summary: RowSummary, k: number): RowSummary {
  if (summary.k === k) return summary;
  if (summary.failed.length < summary.rows)
    throw new RangeError(`outputs of ${summary.k} and of ${k} numbers`);
  return { ...summary, k, y: new Float64Array(summary.rows * k).fill(Number.NaN) };
}

/** What is evaluated by a shard. */
export interface RowTask {
  readonly where: string;
  readonly inputs: readonly string[];
  /** Where they are known. */
  readonly outputs?: readonly string[] | undefined;
  readonly unchecked?: boolean | undefined;
}

/** The rows that `parts` yields, evaluated one part after the other with the plan's model. */
export async function evaluateShard(
  { where, inputs, outputs, unchecked }: RowTask,
  parts: AsyncIterable<{ readonly x: Float64Array; readonly n: number }>,
  { backend, signal, model, count }: ShardContext,
): Promise<RowSummary> {
  const known = outputs === undefined ? {} : { outputs };
  const free = unchecked === undefined ? {} : { unchecked };
  const evaluator = await openEvaluator({
    ...{ where, model: model(), names: inputs, planned: 1, backend, signal },
    ...known,
    ...free,
  });
  try {
    let whole: RowSummary | undefined;
    for await (const { x, n } of parts) {
      const before = evaluator.evaluations;
      const { y, failures } = await evaluator.evaluate(x, n);
      count(n);
      const k = evaluator.outputs.length;
      const failed = failures.map(({ index, reason }) => ({ row: index - before, reason }));
      const part = { rows: n, k, y: y.slice(0, n * k), failed };
      whole = whole === undefined ? part : mergeRowSummaries(whole, part);
    }
    return whole ?? { rows: 0, k: 1, y: new Float64Array(0), failed: [] };
  } finally {
    evaluator.dispose();
  }
}

/** Shards of a run when nobody says how many. */
const SHARDS = 128;

/** Points of a shard, so that there are about as many shards as wanted. */
export function shardSize(points: number, wanted: number = SHARDS): number {
  checkCount('submit', 'shards', wanted, { min: 1 });
  return Math.ceil(points / Math.min(points, wanted));
}

/** 'points 64 .. 127 of 1024': those of a shard of `size` points. */
export function pointSpan(index: number, size: number, points: number): string {
  return `points ${index * size} .. ${Math.min(points, (index + 1) * size) - 1} of ${points}`;
}

/** A model that answers with recorded rows, in their order. */
export function recordedModel(recorded: RowSummary): RowsModel {
  return {
    kind: 'rows',
    open(_inputs, _outputs, done) {
      let at = done;
      return {
        note: undefined,
        async evaluate(_x, n): Promise<RowAnswer> {
          const { k, y, rows, failed } = recorded;
          if (at + n > rows) throw new OutOfRows(`row ${at + n} of ${rows}`);
          const from = at;
          at += n;
          return {
            k,
            y: y.subarray(from * k, at * k),
            failed: failed
              .filter(({ row }) => row >= from && row < from + n)
              .map(({ row, reason }) => ({ row: row - from, reason })),
          };
        },
      };
    },
  };
}
