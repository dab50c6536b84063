import { expect, test } from 'vitest';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { columnRanges, RANGE_SIZE, rangeGroups } from '../../../engine/backend/wgsl/column-ranges.ts';
import { addBlocks, indexSums, scaleFor, unscaleSums } from '../../../engine/backend/wgsl/index-sums.ts';
import { firstAndTotal, varianceForm } from '../../../engine/math/sobol-estimators.ts';
import { evaluateFormulas } from '../../../engine/math/sobol-formulas.ts';
import { TERM, TERM_WORDS, type TermTable, termTable } from '../../../engine/math/sobol-terms.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { sobolPoints } from '../../../engine/random/sobol.ts';
import { fillTerm } from '../../../engine/wasm/twins/index-sums.ts';
import { ishigamiAt } from '../../support/functions.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

interface Shape {
  readonly n: number;
  readonly rows: number;
  readonly outputs: number;
}

/** Sums over all blocks [outputs, terms] from the card. */
async function sumsOnCard(
  gpu: Gpu,
  y: Float32Array<ArrayBuffer>,
  { n, rows, outputs }: Shape,
  program: Uint32Array<ArrayBuffer>,
  centre: Float32Array<ArrayBuffer>,
): Promise<Float64Array> {
  const terms = program.length / TERM_WORDS;
  const blocks = Math.ceil(n / 1024);
  const arena = gpu.arena();
  const on = { y: arena.f32(y.length), program: arena.u32(program.length), centre: arena.f32(2 * outputs) };
  gpu.write(on.y, y);
  gpu.write(on.program, program);
  gpu.write(on.centre, centre);
  const partial = arena.f32(blocks * outputs * terms);
  gpu.run(indexSums, { ...on, partial }, { n, rows, outputs, terms }, blocks * outputs);
  const scales = Array.from({ length: outputs }, (_, s) => centre[2 * s + 1]!);
  const sums = unscaleSums(await gpu.read(partial), program, scales);
  arena.release();
  return addBlocks(sums, outputs * terms);
}

/** The same sums in float64, and the sums of the absolute terms, from the same float32 outputs. */
function sumsOnHost(
  y: Float32Array,
  { n, rows, outputs }: Shape,
  program: Uint32Array,
  centre: Float32Array,
): { readonly sum: number; readonly size: number }[] {
  const columns = new Float64Array(n * rows);
  const values = new Float64Array(n);
  const answer: { sum: number; size: number }[] = [];
  for (let s = 0; s < outputs; s++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < rows; j++) columns[j * n + i] = y[(i * rows + j) * outputs + s]!;
    }
    for (let t = 0; t < program.length / TERM_WORDS; t++) {
      fillTerm(program, t, columns, 0, n, centre[2 * s]!, 0, n, values, 0);
      answer.push({ sum: values.reduce((a, b) => a + b), size: values.reduce((a, b) => a + Math.abs(b), 0) });
    }
  }
  return answer;
}

/** Every operation on several columns. */
function everyTerm(rows: number): TermTable {
  const table = termTable();
  for (const operation of Object.values(TERM)) {
    table.term(operation, 0, rows - 1, 1, 2);
    table.term(operation, 2, 1, rows - 1, 0);
  }
  return table;
}

const rng = rngFromSeed(77);
function noise(length: number, size: number, about: number): Float32Array<ArrayBuffer> {
  const stream = rng.stream({ purpose: 40 });
  return Float32Array.from({ length }, () => about + size * stream.normal());
}

describeGpu('index sums on the card', () => {
  test('indexSums(): every term within 1e-6 of the float64 sum of the same outputs, relative to its size', () =>
    withGpu(async (gpu) => {
      for (const [n, rows, outputs, size, about] of [
        [1, 4, 1, 1, 0],
        [1023, 4, 1, 1, 0],
        [1025, 5, 3, 1, 30],
        [5000, 7, 2, 3e24, 1e24],
        [3000, 4, 1, 2e-24, 1e-25],
      ] as const) {
        const shape = { n, rows, outputs };
        const y = noise(n * rows * outputs, size, about);
        const centre = Float32Array.from({ length: 2 * outputs }, (_, i) =>
          i % 2 === 0 ? about : scaleFor(size),
        );
        const program = Uint32Array.from(everyTerm(rows).program());
        const found = await sumsOnCard(gpu, y, shape, program, centre);
        const worst = sumsOnHost(y, shape, program, centre).map((host, i) =>
          host.size === 0 ? Math.abs(found[i]!) : Math.abs(found[i]! - host.sum) / host.size,
        );
        expect(Math.max(...worst), `${n}`).toBeLessThan(1e-6);
      }
    }));

  test("indexSums(): indices of Ishigami's function, with and without a large offset, within 1e-5 of float64", () =>
    withGpu(async (gpu) => {
      const d = 3;
      const n = 8192;
      const rows = d + 2;
      const points = await sobolPoints({ dimension: 2 * d, rng });
      const u = new Float64Array(n * 2 * d);
      await points.fill(u, 0, n);
      for (const offset of [0, 1000]) {
        const y = new Float32Array(n * rows);
        const x = new Float64Array(d);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < rows; j++) {
            for (let c = 0; c < d; c++) {
              const fromB = j === rows - 1 || j - 1 === c;
              x[c] = Math.PI * (2 * u[i * 2 * d + (fromB ? d : 0) + c]! - 1);
            }
            y[i * rows + j] = offset + ishigamiAt(x);
          }
        }
        for (const estimator of ['jansen', 'saltelli'] as const) {
          const table = termTable();
          const formulas = [0, 1, 2].flatMap((c) =>
            firstAndTotal(estimator, table, {
              a: 0,
              b: rows - 1,
              ab: c + 1,
              ba: undefined,
              ac: undefined,
              cb: undefined,
            }),
          );
          const all = [...formulas, { kind: 'mean', of: varianceForm(table, 0, rows - 1) } as const];
          const program = Uint32Array.from(table.program());
          const centre = Float32Array.of(offset + 3.5, scaleFor(14));
          const shape = { n, rows, outputs: 1 };
          const found = await sumsOnCard(gpu, y, shape, program, centre);
          const host = sumsOnHost(y, shape, program, centre);
          const indices = (sums: readonly number[]): Float64Array => {
            const out = new Float64Array(all.length);
            evaluateFormulas(
              all,
              Float64Array.from(sums, (sum) => sum / n),
              centre[0]!,
              out,
            );
            return out;
          };
          const exact = indices(host.map(({ sum }) => sum));
          const far = indices([...found]).map((value, q) => Math.abs(value - exact[q]!));
          expect(exact[0]).toBeCloseTo(0.31, 1);
          expect(Math.max(...far), `${estimator} ${offset}`).toBeLessThan(1e-5);
        }
      }
    }));

  test('columnRanges(): ends, sums and squares of every column by blocks; NaN and infinities are counted apart', () =>
    withGpu(async (gpu) => {
      for (const [n, rows, outputs] of [
        [1, 1, 1],
        [1025, 5, 2],
        [2500, 3, 3],
      ] as const) {
        const columns = rows * outputs;
        const y = noise(n * columns, 2, 100);
        y[0] = Number.NaN;
        if (n > 1) {
          y[1] = Infinity;
          y[7 * columns + 1] = -Infinity;
        }
        const centre = Float32Array.from({ length: 2 * outputs }, (_, i) => (i % 2 === 0 ? 100 : 0.5));
        const blocks = Math.ceil(n / 1024);
        const arena = gpu.arena();
        const on = { y: arena.f32(y.length), centre: arena.f32(centre.length) };
        gpu.write(on.y, y);
        gpu.write(on.centre, centre);
        const ranges = arena.f32(blocks * columns * RANGE_SIZE);
        gpu.run(columnRanges, { ...on, ranges }, { n, columns, outputs }, blocks * rangeGroups(columns));
        const found = await gpu.read(ranges);
        for (let b = 0; b < blocks; b++) {
          for (let c = 0; c < columns; c++) {
            const all = Array.from(
              { length: Math.min(1024, n - 1024 * b) },
              (_, i) => y[(1024 * b + i) * columns + c]!,
            );
            const good = all.filter(Number.isFinite);
            const at = RANGE_SIZE * (b * columns + c);
            const [low, high, sum, squares, bad] = found.subarray(at, at + RANGE_SIZE);
            expect(bad).toBe(all.length - good.length);
            expect(low).toBe(good.length === 0 ? Math.fround(3.4e38) : Math.min(...good));
            expect(high).toBe(good.length === 0 ? Math.fround(-3.4e38) : Math.max(...good));
            const u = good.map((value) => (value - 100) / 2);
            const size = u.reduce((a, v) => a + Math.abs(v), 0);
            expect(Math.abs(sum! - u.reduce((a, v) => a + v, 0))).toBeLessThanOrEqual(1e-6 * size);
            const square = u.reduce((a, v) => a + v * v, 0);
            expect(Math.abs(squares! - square)).toBeLessThanOrEqual(1e-6 * square);
          }
        }
        arena.release();
      }
    }));
});
