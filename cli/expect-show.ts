import { basename } from 'node:path';
import type { Expectation, ExpectationsResult, Warning } from '../estimators/index.ts';
import { expectationsCsv, expectationsJson } from './expect-documents.ts';
import type { ExpectFile } from './expect-file.ts';
import type { ExpectSettings } from './expect-settings.ts';
import { writeText } from './files.ts';
import { expectationSentences } from './format/expectation-sentences.ts';
import { type ExpectationsTable, expectationsTable } from './format/expectations.ts';
import { count, duration } from './format/number.ts';
import { counted } from './format/words.ts';
import { present } from './present.ts';
import type { ExpectationsReport } from './report/input.ts';
import { describe, hostText } from './show.ts';
import type { Terminal } from './terminal.ts';

/** A finished or interrupted run and everything said about it. */
export interface ExpectOutcome {
  readonly result: ExpectationsResult;
  readonly interrupted: boolean;
  readonly model: ExpectFile;
  readonly settings: ExpectSettings;
  /** The command that gives the same numbers again, and with base names, for the report. */
  readonly command: string;
  readonly commandByName: string;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Where it ran, other than here: '41 shards on redis://127.0.0.1:6379 (2 threads)'. */
  readonly place?: string | undefined;
  /** Warnings of the command itself, before those of the method. */
  readonly warnings: readonly Warning[];
  /** Lines before the table and at the end. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Prints a result: the table or the JSON on stdout, warnings and sentences on stderr; writes the files asked for. */
export async function showExpectations(outcome: ExpectOutcome, terminal: Terminal): Promise<void> {
  const { result, interrupted, settings, command, before, after } = outcome;
  const table = tableOf(outcome);
  await present(
    {
      answer: settings.json
        ? expectationsJson(result, interrupted)
        : expectationsTable(table, terminal.out.look),
      write: () => writeFiles(outcome, table),
      warnings: [...outcome.warnings, ...result.diagnostics.warnings],
      said: [...expectationSentences(result), runSentence(outcome)],
      command,
      before,
      after,
    },
    settings,
    terminal,
  );
}

/** What each expectation is of: 'event', the name of an output, or 'function'. */
function kindsOf({ result, model }: ExpectOutcome): readonly string[] {
  const { outputs, estimate } = result;
  const { expectations } = model.wanted;
  // The means of all outputs under one law after another.
  if (expectations === undefined)
    return estimate.names.map((_, j) => outputs.names[j % outputs.names.length] ?? 'y');
  return Object.values(expectations).map(({ of, event }: Expectation) => {
    if (event !== undefined) return 'event';
    return typeof of === 'function' ? 'function' : (of ?? outputs.names[0] ?? 'y');
  });
}

function tableOf(outcome: ExpectOutcome): ExpectationsTable {
  const { result, model, interrupted } = outcome;
  const kinds = kindsOf(outcome);
  return {
    result,
    file: model.file,
    interrupted,
    units: kinds.map((kind) => model.texts[kind]?.unit),
    events: kinds.map((kind) => kind === 'event'),
  };
}

/** 'Host WASM SIMD, 2 threads, seed 7, 0.4 s.' */
function runSentence({ result, elapsed, place }: ExpectOutcome): string {
  const { provenance } = result;
  return `${place ?? hostText(provenance)}, seed ${provenance.seed}, ${duration(elapsed / 1000)}.`;
}

async function writeFiles(outcome: ExpectOutcome, table: ExpectationsTable): Promise<string[]> {
  const { settings, result } = outcome;
  const { csv, report } = settings;
  if (csv !== undefined) writeText('--csv', csv, expectationsCsv(result));
  if (report !== undefined) {
    // The libraries that draw charts take longer to load than most runs.
    const { renderExpectations } = await import('./report/render-expectations.ts');
    writeText('--report', report, renderExpectations(reportInput(outcome, table)));
  }
  return [report, csv].filter((file) => file !== undefined).map((file) => basename(file));
}

function reportInput(outcome: ExpectOutcome, { units }: ExpectationsTable): ExpectationsReport {
  const { result, model, settings } = outcome;
  return {
    result,
    model: model.file,
    modelHash: model.hash,
    settings: settingsLine(outcome),
    lead: expectationSentences(result),
    warnings: [...outcome.warnings, ...result.diagnostics.warnings],
    inputs: Object.entries(model.inputs).map(([name, law]) => ({ name, law: describe(law) })),
    laws: Object.entries(model.wanted.laws ?? {}).map(([name, { inputs = {}, dependence }]) => ({
      name,
      changes: [
        ...Object.entries(inputs).map(([input, law]) => `${input}: ${describe(law)}`),
        ...(dependence === undefined ? [] : ['another dependence']),
      ],
    })),
    kinds: kindsOf(outcome),
    units,
    interrupted: outcome.interrupted,
    design: settings.method.design ?? (settings.method.preset === 'published' ? 'iid' : 'sobol'),
    command: outcome.commandByName,
    elapsed: outcome.elapsed,
    csv: expectationsCsv(result),
    json: expectationsJson(result, outcome.interrupted),
  };
}

/** 'beam.ts, 6 inputs, 16 384 points, seed 7' */
function settingsLine({ model, result, settings }: ExpectOutcome): string {
  const d = Object.keys(model.inputs).length;
  const J = result.estimate.names.length;
  return [
    model.file,
    counted(d, count(d), 'input'),
    counted(J, count(J), 'expectation'),
    `${count(settings.points)} points`,
    `seed ${result.provenance.seed}`,
  ].join(', ');
}
