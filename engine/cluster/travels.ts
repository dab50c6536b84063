import { OptionError } from '../errors.ts';
import type { ModuleModel } from '../model/model.ts';
import type { ClusterProgress, ClusterResult, ClusterRun } from './types.ts';

/**
 * A model that can travel to other machines.
 * @throws OptionError when it cannot.
 */
export function checkModule(where: string, model: unknown, option = 'model'): ModuleModel {
  const { kind, gradient } = (model ?? {}) as { readonly kind?: string; readonly gradient?: unknown };
  if (kind === 'module') return model as ModuleModel;
  const what =
    model === undefined
      ? 'absent'
      : kind === 'remote'
        ? 'a connection'
        : kind === 'rows'
          ? 'elsewhere'
          : gradient === undefined
            ? 'a function'
            : 'a pair of functions';
  throw new OptionError({
    where,
    option,
    value: model,
    found: `option \`${option}\` is ${what}${model === undefined ? '' : ', which cannot travel to other machines'}`,
    expected: 'a model in a module: moduleModel(url)',
    fix: `Put it into a file${kind === 'remote' ? ', export default umBridge({ url }),' : ''} and pass moduleModel(new URL('./model.js', import.meta.url)).`,
  });
}

/** The merged summary of a run, its progress told on the way. */
export async function finished<Y>(
  run: ClusterRun<Y>,
  tell: ((progress: ClusterProgress) => void) | undefined,
): Promise<ClusterResult<Y>> {
  // Awaited below; a rejection while progress is told must not count as unhandled.
  const result = run.result();
  result.catch(() => {});
  if (tell !== undefined) for await (const at of run) tell(at);
  return result;
}

/** Milliseconds of a round below which waiting for its slowest shard costs more than a cluster gains. */
export const SHORT_ROUND = 1000;

/** What is said about such rounds. */
export function shortRounds(milliseconds: number): string {
  return `A round took ${Math.ceil(milliseconds)} ms, and each waits for its slowest shard: below a second one machine is faster than a cluster.`;
}
