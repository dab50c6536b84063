import type { Law } from './law.ts';

/** 'uniform on [0, 1], perturbed to mean 0.6 and variance 0.05'. */
export function perturbedName(
  law: Law,
  mean: number,
  variance: number | undefined,
  where: string,
): { readonly name: string; readonly parameters: Law['parameters']; readonly describe: () => string } {
  const to = variance === undefined ? `mean ${mean}` : `mean ${mean} and variance ${variance}`;
  return {
    name: 'perturbed',
    parameters: {
      ...law.parameters,
      toMean: mean,
      ...(variance === undefined ? {} : { toVariance: variance }),
    },
    describe: () => `${law.describe()}, perturbed to ${to}${where}`,
  };
}
