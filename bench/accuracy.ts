/**
 * Are the intervals honest, and how sharp are the estimates? Many independent runs against exact indices:
 *
 *   npx tsx bench/accuracy.ts [runs]
 *
 * RMSE is the largest over the inputs; `covered` the share of 95 % intervals, over inputs and runs, that hold the exact
 * index; `width` the mean half-width over 1.96 RMSE, above 1 where Student's quantile and caution cost.
 */
import { type IntervalEstimate, run, type SobolOptions, sobolIndices } from 'ensample';
import { gFunction, ishigami } from './functions.ts';

const models = [ishigami, gFunction([0, 1, 4.5, 9, 99, 99, 99, 99])];

const settings: readonly { readonly name: string; readonly options: Partial<SobolOptions> }[] = [
  { name: '8 scrambles (default)', options: {} },
  { name: '8 scrambles, second order', options: { secondOrder: true } },
  { name: 'iid, asymptotic', options: { design: 'iid' } },
  {
    name: 'one scramble, bootstrap (as peers do)',
    options: { replicates: 1, interval: 'bootstrap', resamples: 100 },
  },
];

/** Squared errors, hits and half-widths of one kind of index over the runs. */
function tally(exact: readonly number[]) {
  const squares = exact.map(() => 0);
  let hits = 0;
  let width = 0;
  let runs = 0;
  return {
    add({ value, low, high }: IntervalEstimate): void {
      runs++;
      exact.forEach((truth, i) => {
        squares[i]! += (value[i]! - truth) ** 2;
        if (low[i]! <= truth && truth <= high[i]!) hits++;
        width += (high[i]! - low[i]!) / 2;
      });
    },
    row(): string {
      const rmse = squares.map((s) => Math.sqrt(s / runs));
      const mean = rmse.reduce((a, b) => a + b, 0) / exact.length;
      const covered = ((100 * hits) / runs / exact.length).toFixed(1);
      return `${Math.max(...rmse).toExponential(1)} | ${covered} % | ${(width / runs / exact.length / 1.96 / mean).toFixed(1)}`;
    },
  };
}

const runs = Number(process.argv[2] ?? 200);
const points = 4096;
console.log(`${runs} runs of ${points} points each\n`);
console.log('| function | design and interval | S1 RMSE | covered | width | ST RMSE | covered | width |');
console.log('|---|---|---|---|---|---|---|---|');
for (const { name, inputs, evaluate, first, total } of models) {
  for (const setting of settings) {
    const method = sobolIndices({ inputs, model: evaluate, points, ...setting.options });
    const [firstTally, totalTally] = [tally(first), tally(total)];
    for (let seed = 0; seed < runs; seed++) {
      const result = await run(method, { seed });
      firstTally.add(result.firstOrder);
      totalTally.add(result.totalOrder);
    }
    console.log(`| ${name} | ${setting.name} | ${firstTally.row()} | ${totalTally.row()} |`);
  }
}
