import type { ExpectationsResult } from '../estimators/index.ts';
import { EXIT } from './errors.ts';
import { type ExpectFile, expectMethod, inFileWords, loadExpectFile } from './expect-file.ts';
import { type ExpectSettings, readExpectSettings } from './expect-settings.ts';
import { showExpectations } from './expect-show.ts';
import type { Flags } from './flag-values.ts';
import { count, percent } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { aroundRun, NOTHING_YET, openRun, runJob } from './model-run.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample expect';

/** `ensample expect MODEL`: many expectations of the model of a module from one sample. Resolves to the exit code. */
export async function expect(
  path: string,
  flags: Flags,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const settings = readExpectSettings(WHERE, flags);
  const opened = await openRun(WHERE, settings, () => loadExpectFile(WHERE, path, flags), terminal);
  const { model, backend } = opened;
  const start = performance.now();
  try {
    const job = {
      where: WHERE,
      method: expectMethod(settings, model),
      startLine: startLine(settings, model),
      replicates: settings.method.replicates ?? 8,
      unit: { word: 'points', width: percent },
      widest: widestRelative,
      weighted: true,
    };
    const clustered = flags.cluster !== undefined;
    const watched = clustered
      ? await (await import('./cluster-run.ts')).runBatchesOnCluster(job, opened, settings, flags, terminal)
      : await runJob(job, opened, settings, terminal);
    const { result, interrupted } = watched;
    const around = aroundRun(argv, start, settings, opened, watched);
    if (result === undefined) {
      terminal.err.write(NOTHING_YET);
      if (clustered) terminal.err.write(`${wrap(around.after.join(' '), terminal.err.look.width)}\n`);
      return EXIT.interrupted;
    }
    await showExpectations(
      {
        result,
        interrupted,
        model,
        settings,
        ...around,
        before: interrupted ? [interruptedLine(result, settings)] : [],
      },
      terminal,
    );
    return interrupted ? EXIT.interrupted : 0;
  } catch (error) {
    throw inFileWords(error, model.file);
  } finally {
    await backend.dispose();
  }
}

/** 'beam.ts: 6 inputs, 5 laws, 7 expectations, 16 384 points' */
function startLine(settings: ExpectSettings, { file, inputs, outputs, wanted }: ExpectFile): string {
  const laws = Object.keys(wanted.laws ?? {}).length + 1;
  const listed = wanted.expectations === undefined ? undefined : Object.keys(wanted.expectations).length;
  const J = listed ?? (outputs === undefined ? undefined : outputs.length * laws);
  const d = Object.keys(inputs).length;
  return [
    `${file}: ${counted(d, count(d), 'input')}`,
    ...(laws === 1 ? [] : [`${count(laws)} laws`]),
    ...(J === undefined ? [] : [counted(J, count(J), 'expectation')]),
    `${count(settings.points)} points`,
  ].join(', ');
}

/** Largest half-width of an interval as a share of its value; NaN where there is none. */
function widestRelative({ estimate }: ExpectationsResult): number {
  const { value, low, high } = estimate;
  let most = Number.NaN;
  value.forEach((v, j) => {
    const share = (high[j]! - low[j]!) / 2 / Math.abs(v);
    if (Number.isFinite(share) && !(share <= most)) most = share;
  });
  return most;
}

function interruptedLine({ diagnostics, unbiased }: ExpectationsResult, settings: ExpectSettings): string {
  const when = unbiased ? '' : ' while the sample was being adapted';
  return `Interrupted after ${count(diagnostics.done)} of ${count(settings.points)} points${when}.`;
}
