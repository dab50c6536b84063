import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { Backend } from './backend.ts';

/**
 * Option `backend`, which takes what `chooseBackend` resolves to: neither its name nor the promise of it.
 * @throws OptionError for anything else.
 */
export function checkBackend(where: string, value: Backend | undefined): void {
  const given: unknown = value;
  if (given === undefined || typeof (given as Partial<Backend> | null)?.card === 'function') return;
  const promised = typeof (given as Partial<PromiseLike<unknown>> | null)?.then === 'function';
  const choice = typeof given === 'string' ? `{ backend: '${given}' }` : '...';
  throw new OptionError({
    where,
    option: 'backend',
    value: given,
    found: `option \`backend\` is ${promised ? 'a promise' : show(given)}`,
    expected: 'a backend',
    fix: `Write backend: await chooseBackend(${choice}).`,
  });
}
