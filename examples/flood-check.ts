/** The indices of the flood model beside their exact values (tensor Gauss quadrature, 1e-8). */
import { moduleModel, run, sobolIndices } from 'ensample';
import { inputs } from './flood.ts';

const model = moduleModel(new URL('./flood.ts', import.meta.url));
const { firstOrder, totalOrder } = await run(sobolIndices({ model, inputs, points: 65_536 }), { seed: 7 });

const exactFirst = [0.344848, 0.133774, 0.189578, 0.00345799, 0.283816, 0.035477, 3.33629e-7, 9.26886e-5];
const exactTotal = [0.353592, 0.142251, 0.189926, 0.00380627, 0.283816, 0.035477, 3.63304e-7, 1.00931e-4];
const cell = (x: number): string => x.toFixed(5).padStart(9);
console.log('input        S1    exact   S1 +/-        ST    exact   ST +/-');
for (const [i, name] of firstOrder.names.entries()) {
  const first = cell(firstOrder.value[i]!) + cell(exactFirst[i]!) + cell(firstOrder.standardError[i]!);
  const total = cell(totalOrder.value[i]!) + cell(exactTotal[i]!) + cell(totalOrder.standardError[i]!);
  console.log(`${name.padEnd(5)}${first} ${total}`);
}
