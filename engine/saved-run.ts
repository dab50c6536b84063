import { OptionError } from './errors.ts';

/** What a saved state and the method that goes on with it must share. */
export interface RunMark {
  /** Everything of the configuration that changes the numbers, as text. */
  readonly plan: string;
  /** The key of the run's generator. */
  readonly key: readonly [number, number];
}

/**
 * @param saved the header of a state, whoever wrote it.
 * @param differs what other plans have, for the message: 'other inputs or options'.
 * @param fix what can be done where plans differ.
 * @throws OptionError unless the saved state was made by the same plan with the same seed.
 */
export function checkSavedRun<S extends Partial<RunMark>>(
  where: string,
  saved: S | null | undefined,
  own: RunMark,
  differs = 'other options',
  fix?: string,
): asserts saved is S {
  const { plan, key } = saved ?? {};
  const found =
    plan !== own.plan
      ? `the saved state belongs to a run with ${differs}`
      : key?.[0] !== own.key[0] || key?.[1] !== own.key[1]
        ? 'the saved state was made with another seed'
        : undefined;
  if (found === undefined) return;
  const expected = 'a snapshot of the same method with the same options and seed';
  const remedy = plan === own.plan || fix === undefined ? {} : { fix };
  throw new OptionError({ where, option: 'from', value: plan, found, expected, ...remedy });
}
