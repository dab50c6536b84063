/** Sobol' indices in ten lines: the Ishigami function, whose indices are known exactly. */
import { named, run, sobolIndices, uniform } from 'ensample';

const side = uniform(-Math.PI, Math.PI);
const model = named(({ a, b, c }) => Math.sin(a) + 7 * Math.sin(b) ** 2 + 0.1 * c ** 4 * Math.sin(a));
const method = sobolIndices({ model, inputs: { a: side, b: side, c: side }, points: 16_384 });
const { firstOrder, totalOrder } = await run(method, { seed: 7 });

const exact = { S1: [0.3139, 0.4424, 0], ST: [0.5576, 0.4424, 0.2437] };
for (const [i, name] of firstOrder.names.entries()) {
  const first = `S1 ${firstOrder.value[i]!.toFixed(4)} +/- ${firstOrder.standardError[i]!.toFixed(4)} (exact ${exact.S1[i]})`;
  const total = `ST ${totalOrder.value[i]!.toFixed(4)} +/- ${totalOrder.standardError[i]!.toFixed(4)} (exact ${exact.ST[i]})`;
  console.log(`${name}  ${first}  ${total}`);
}
