import { basename } from 'node:path';
import type { SobolResult, Warning } from '../estimators/index.ts';
import { csvDocument, jsonDocument } from './documents.ts';
import { writeText } from './files.ts';
import { count, duration } from './format/number.ts';
import { leadSentences, outputSentence, type Story } from './format/sentences.ts';
import { indexTables } from './format/table.ts';
import { counted } from './format/words.ts';
import type { Problem } from './model-file.ts';
import { type Presented, present } from './present.ts';
import type { ReportInput } from './report/input.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** A finished or interrupted analysis and everything said about it. */
export interface Outcome {
  readonly result: SobolResult;
  readonly problem: Problem;
  readonly modelHash: string | undefined;
  readonly settings: Settings;
  /** The command that gives the same numbers again. */
  readonly command: string;
  /** The same with base names, for the report. */
  readonly commandByName: string;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Where it ran, other than here: '41 shards on redis://127.0.0.1:6379 (2 threads)'. */
  readonly place?: string | undefined;
  /** Model runs a second; NaN when the model ran elsewhere. */
  readonly speed: number;
  /** Warnings of the command itself, before those of the method. */
  readonly warnings: readonly Warning[];
  /** Lines that belong before the table, such as where a run was interrupted. */
  readonly before: readonly string[];
  /** Sentences of the method beside those of the indices. */
  readonly notes?: readonly string[];
  /** What the method adds to the document, or says instead of its fields. */
  readonly document?: Readonly<Record<string, unknown>>;
  /** Lines that belong at the end, such as the name of a saved state. */
  readonly after: readonly string[];
}

/** Prints a result: the table or the JSON on stdout, warnings and sentences on stderr; writes the files asked for. */
export async function showOutcome(outcome: Outcome, terminal: Terminal): Promise<void> {
  const { settings, command, before, after } = outcome;
  const result = select(outcome.result, settings.outputs);
  const story = storyOf(outcome, result, terminal.err.look.utf8);
  const page: Presented = {
    answer: settings.json ? jsonDocument(result, outcome.document) : indexTables(result, terminal.out.look),
    write: () => writeFiles(outcome, result, story),
    warnings: [...outcome.warnings, ...result.diagnostics.warnings],
    said: [...leadSentences(story), ...(outcome.notes ?? []), runSentence(outcome, story, result)],
    command,
    before,
    after,
  };
  await present(page, settings, terminal);
}

/** Only the outputs that were asked for; the aggregate stays only with all of them. */
function select(result: SobolResult, names: readonly string[] | undefined): SobolResult {
  const chosen = names === undefined ? [] : result.outputs.filter(({ name }) => names.includes(name));
  if (chosen.length === 0 || chosen.length === result.outputs.length) return result;
  const { firstOrder, totalOrder, secondOrder } = chosen[0]!;
  return { ...result, outputs: chosen, aggregated: undefined, firstOrder, totalOrder, secondOrder };
}

function storyOf(outcome: Outcome, result: SobolResult, utf8: boolean): Story {
  return {
    result,
    outputs: outcome.problem.texts,
    speed: outcome.speed,
    plusMinus: utf8 ? '±' : '+/-',
  };
}

/** 'Mean -10.944 m, standard deviation 1.083 m. Host WASM SIMD, 2 threads, seed 7, 0.4 s.'; of a card: 'NVIDIA A10, float32, ...'; of a cluster what ran where. */
function runSentence(
  { elapsed, settings, place }: Outcome,
  story: Story,
  { provenance, design }: SobolResult,
): string {
  const host = place ?? hostText(provenance);
  const grown = settings.until === undefined ? '' : `, ${count(design.points)} points`;
  const run = `${host}, seed ${provenance.seed}${grown}, ${duration(elapsed / 1000)}.`;
  // Only a long run of a kernel looks for a card; one that found none ran slower than it might have.
  const slower = provenance.notes.find((note) => note.startsWith('Ran on the processor: no GPU'));
  return [outputSentence(story), run, slower].filter((part) => part !== undefined).join(' ');
}

/** 'Host WASM SIMD, 2 threads', or a card. */
export function hostText({ backend, adapter }: SobolResult['provenance']): string {
  return backend === 'webgpu' ? `${adapter}, float32` : `Host ${adapter}`;
}

async function writeFiles(outcome: Outcome, result: SobolResult, story: Story): Promise<string[]> {
  const { csv, report } = outcome.settings;
  if (csv !== undefined) writeText('--csv', csv, csvDocument(result));
  if (report !== undefined) {
    // The libraries that draw charts take longer to load than most runs.
    const { renderReport } = await import('./report/render.ts');
    writeText('--report', report, renderReport(reportInput(outcome, result, story)));
  }
  return [report, csv].filter((file) => file !== undefined).map((file) => basename(file));
}

function reportInput(outcome: Outcome, result: SobolResult, story: Story): ReportInput {
  const { problem, settings } = outcome;
  const known = new Map(Object.entries(problem.texts));
  const own = outputSentence(story);
  const all = result.outputs.length === problem.series?.at.length;
  return {
    result,
    model: problem.file,
    modelHash: outcome.modelHash,
    settings: settingsLine(outcome, result),
    lead: [
      ...leadSentences({ ...story, plusMinus: '±' }),
      ...(outcome.notes ?? []),
      ...(own === undefined ? [] : [own]),
    ],
    warnings: [...outcome.warnings, ...result.diagnostics.warnings],
    inputs: Object.entries(problem.inputs).map(([name, law]) => ({ name, law: describe(law) })),
    outputs: result.outputs.map(({ name }) => ({ name, ...known.get(name) })),
    ...(problem.series === undefined || !all ? {} : { series: problem.series }),
    ...(settings.until === undefined ? {} : { target: settings.until }),
    command: outcome.commandByName,
    elapsed: outcome.elapsed,
    csv: csvDocument(result),
    json: jsonDocument(result, outcome.document),
  };
}

/** A law in words; one from elsewhere may answer the interface only in part. */
export function describe(law: { describe?: () => string; name?: string }): string {
  return law.describe?.() ?? law.name ?? 'a law';
}

/** 'flood.ts, 8 inputs, 16 384 points in 8 scrambles, seed 7' */
function settingsLine({ problem }: Outcome, { design, provenance }: SobolResult): string {
  const inputs = counted(design.inputs.length, count(design.inputs.length), 'input');
  const part = design.kind === 'sobol' ? 'scramble' : 'replicate';
  const split =
    design.replicates > 1 ? ` in ${counted(design.replicates, count(design.replicates), part)}` : '';
  return `${problem.file}, ${inputs}, ${count(design.points)} points${split}, seed ${provenance.seed}`;
}
