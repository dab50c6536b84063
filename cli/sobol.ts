import { type SobolOptions, type SobolResult, sobolIndices } from '../estimators/index.ts';
import { EXIT } from './errors.ts';
import type { Flags } from './flag-values.ts';
import { count } from './format/number.ts';
import { widestHalf } from './format/ranking.ts';
import { printable } from './format/text.ts';
import { counted } from './format/words.ts';
import { importance } from './importance.ts';
import { type ModelFile, modelOf } from './model-file.ts';
import { aroundRun, type Job, NOTHING_YET, openRun, runJob } from './model-run.ts';
import { analysisOptions, designOptions } from './options.ts';
import { RUNS } from './progress.ts';
import { loadModel } from './remote.ts';
import { readSettings, type Settings } from './settings.ts';
import { showOutcome } from './show.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample sobol';

/** `ensample sobol MODEL`: runs the model of a module over a design and shows its indices. Resolves to the exit code. */
export async function sobol(
  path: string,
  flags: Flags,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const settings = readSettings(WHERE, flags);
  if (settings.method === 'importance') return importance(path, settings, flags, argv, terminal);
  const opened = await openRun(WHERE, settings, () => loadModel(WHERE, path, flags), terminal);
  const { model, backend } = opened;
  const start = performance.now();
  try {
    const job: Job<unknown, SobolResult> = {
      where: WHERE,
      method: sobolIndices(sobolOptions(settings, model)),
      startLine: startLine(settings, model),
      replicates: settings.replicates ?? 8,
      unit: RUNS,
      widest: widestHalf,
    };
    const clustered = flags.cluster !== undefined;
    const watched = clustered
      ? await (await import('./cluster-run.ts')).runOnCluster(job, opened, settings, flags, argv, terminal)
      : await runJob(job, opened, settings, terminal);
    const { result, interrupted } = watched;
    if (result === undefined) {
      if (!clustered) terminal.err.write(NOTHING_YET);
      return EXIT.interrupted;
    }
    await showOutcome(
      {
        result,
        speed: watched.speed,
        problem: model,
        modelHash: model.hash,
        settings,
        ...aroundRun(argv, start, settings, opened, watched),
        before: interrupted ? [interruptedLine(result)] : [],
      },
      terminal,
    );
    return interrupted ? EXIT.interrupted : 0;
  } finally {
    await backend.dispose();
  }
}

/** Flags and module together as options; a flag wins. */
export function sobolOptions(settings: Settings, model: ModelFile): SobolOptions {
  return {
    model: modelOf(model),
    ...designOptions(settings, model),
    ...analysisOptions(WHERE, settings, model),
    ...(settings.until === undefined ? {} : { until: settings.until }),
  };
}

/** 'flood.ts: 8 inputs, output overflow (m), 16 384 points, 294 912 model runs' */
function startLine(settings: Settings, model: ModelFile): string {
  const d = Object.keys(model.inputs).length;
  const parts = [counted(d, count(d), 'input')];
  const outputs = model.outputs ?? settings.outputs ?? [];
  if (outputs.length === 1) {
    const unit = model.texts[outputs[0]!]?.unit;
    parts.push(`output ${printable(outputs[0]!)}${unit === undefined ? '' : ` (${unit})`}`);
  } else if (outputs.length > 1) parts.push(counted(outputs.length, count(outputs.length), 'output'));
  const groups = groupCount(settings.groups ?? model.groups, d);
  if (groups !== d) parts.push(counted(groups, count(groups), 'group'));
  parts.push(`${count(settings.points)} points`);
  if (settings.until === undefined)
    parts.push(`${count(settings.points * rowsPerPoint(settings, groups))} model runs`);
  return `${model.file}: ${parts.join(', ')}`;
}

function groupCount(groups: Readonly<Record<string, readonly string[]>> | undefined, d: number): number {
  const sizes = Object.values(groups ?? {}).map((members) => members.length);
  return d - sizes.reduce((sum, size) => sum + size, 0) + sizes.length;
}

/** Both halves of the design and, for each group, one or (for pairs) two mixtures of them. */
function rowsPerPoint(settings: Settings, groups: number): number {
  return settings.secondOrder && groups > 2 ? 2 * groups + 2 : groups + 2;
}

function interruptedLine({ design, diagnostics }: SobolResult): string {
  const of = diagnostics.total === undefined ? '' : ` of ${count(diagnostics.total)}`;
  return `Interrupted after ${design.completeReplicates} of ${counted(design.replicates, count(design.replicates), 'replicate')} (${count(diagnostics.done)}${of} runs).`;
}
