/** How far does the tip of the beam move: on average, in the worst 5 %, and how often more than 10 cm? */
import { monteCarlo, named, run } from 'ensample';
import deflection, { inputs } from './beam.ts';

const method = monteCarlo({
  model: named(deflection as (inputs: Readonly<Record<string, number>>) => number),
  inputs,
  outputs: ['deflection'],
  quantiles: [0.95],
  probabilities: { 'more than 10 cm': { above: 0.1 } },
  points: 65_536,
});
const { estimate } = await run(method, { seed: 7 });

// By quadrature over the laws, each cut at eight standard deviations.
const exact: Readonly<Record<string, number>> = {
  deflection: 0.04385649498,
  'variance of deflection': 4.232162964e-4,
};
for (const [i, name] of estimate.names.entries()) {
  const digits = (x: number): string => x.toPrecision(6);
  const truth = exact[name] === undefined ? '' : ` (exact ${digits(exact[name])})`;
  console.log(
    `${name}: ${digits(estimate.value[i]!)} +/- ${estimate.standardError[i]!.toPrecision(2)}${truth}`,
  );
}
