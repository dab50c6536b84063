/** The indices of the flood and beam models beside their exact values (tensor Gauss quadrature, 1e-8). */
import { moduleModel, run, sobolIndices } from 'ensample';
import { inputs as beam } from './beam.ts';
import { inputs as flood } from './flood.ts';

const models = [
  {
    file: 'flood.ts',
    inputs: flood,
    first: [0.344848, 0.133774, 0.189578, 0.00345799, 0.283816, 0.035477, 3.33629e-7, 9.26886e-5],
    total: [0.353592, 0.142251, 0.189926, 0.00380627, 0.283816, 0.035477, 3.63304e-7, 1.00931e-4],
  },
  {
    file: 'beam.ts',
    inputs: beam,
    first: [0.0235524, 0.000295702, 0.0163609, 0.428076, 0.0729427, 0.40103],
    total: [0.0290671, 0.000425264, 0.0198893, 0.475183, 0.0844542, 0.449598],
  },
];

const cell = (x: number): string => x.toFixed(5).padStart(9);
for (const { file, inputs, first, total } of models) {
  const model = moduleModel(new URL(file, import.meta.url));
  const { firstOrder, totalOrder } = await run(sobolIndices({ model, inputs, points: 65_536 }), { seed: 7 });
  console.log(`${file.padEnd(11)} S1    exact   S1 +/-        ST    exact   ST +/-`);
  for (const [i, name] of firstOrder.names.entries()) {
    const s1 = cell(firstOrder.value[i]!) + cell(first[i]!) + cell(firstOrder.standardError[i]!);
    const st = cell(totalOrder.value[i]!) + cell(total[i]!) + cell(totalOrder.standardError[i]!);
    console.log(`${name.padEnd(5)}${s1} ${st}`);
  }
}
