import { show, spaced } from '../../engine/check.ts';
import { OptionError } from '../../engine/errors.ts';
import { type TreeScheme, WHERE } from './plan.ts';

/**
 * A budget of a run has room for one run of the chain, of each walk that sets out at first.
 * @throws OptionError when it has not.
 */
export function checkBudget(
  { chain: { steps }, batch, trees }: Pick<TreeScheme, 'chain' | 'batch' | 'trees'>,
  evaluations: number = Infinity,
): void {
  const least = trees * batch * steps;
  if (evaluations >= least) return;
  const flight = batch === 1 ? '' : `, and ${spaced(batch)} are in flight`;
  const side = trees === 1 ? '' : ` in each of ${spaced(trees)} trees`;
  throw new OptionError({
    where: WHERE,
    option: 'budget.evaluations',
    value: evaluations,
    found: `option \`budget.evaluations\` is ${show(evaluations)}`,
    expected: `an integer >= ${least}`,
    fix: `A run of the chain takes ${steps} steps${flight}${side}. Try budget: { evaluations: ${1000 * least} }.`,
  });
}
