import type { SobolResult } from 'ensample';
import { wholePoints } from './live-view.ts';
import type { Task } from './task.ts';

/** The table with all digits, a row an input. */
export function csvOf({ firstOrder, totalOrder }: SobolResult): string {
  const rows = firstOrder.names.map((name, i) =>
    [
      name,
      ...[firstOrder, totalOrder].flatMap((s) => [s.value[i], s.standardError[i], s.low[i], s.high[i]]),
    ].join(','),
  );
  const head = ['S1', 'ST'].map((s) => `${s},${s}_standard_error,${s}_low,${s}_high`).join(',');
  return `input,${head}\n${rows.join('\n')}\n`;
}

/** A program that gives the same numbers. */
export function codeOf({ code, names, lawCodes }: Task, { design }: SobolResult, gpu: boolean): string {
  const laws = names.map((name) => `  ${name}: ${lawCodes[name]},`).join('\n');
  const makers = new Set(Object.values(lawCodes).flatMap((law) => law.match(/[a-z]+(?=\()/g) ?? []));
  const wrap = gpu ? 'gpuKernel' : 'pointwise';
  const imports = [...makers, wrap, 'run', 'sobolIndices', ...(gpu ? ['chooseBackend'] : [])].sort();
  const model = gpu ? `gpuKernel(${code}, { dims: ${names.length} })` : `pointwise(${code})`;
  const backend = gpu ? "const backend = await chooseBackend({ backend: 'webgpu' });\n" : '';
  return `import { ${imports.join(', ')} } from 'ensample';

const model = ${model};
const inputs = {
${laws}
};
const method = sobolIndices({ model, inputs, points: ${wholePoints(design.points)} });
${backend}const { firstOrder, totalOrder } = await run(method, { seed: ${design.seed}${gpu ? ', backend' : ''} });
console.log(totalOrder.names, firstOrder.value, totalOrder.value, totalOrder.standardError);
`;
}
