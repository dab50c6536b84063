import { basename } from 'node:path';
import type { SobolResult, Warning } from '../estimators/index.ts';
import { csvDocument, jsonDocument } from './documents.ts';
import { inFlagWords } from './errors.ts';
import { writeText } from './files.ts';
import { count, duration } from './format/number.ts';
import { leadSentences, outputSentence, type Story } from './format/sentences.ts';
import { indexTables } from './format/table.ts';
import { cells, printable, wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import type { Problem } from './model-file.ts';
import type { ReportInput } from './report/input.ts';
import type { Settings } from './settings.ts';
import type { Stream, Terminal } from './terminal.ts';

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
  /** Model runs a second; NaN when the model ran elsewhere. */
  readonly speed: number;
  /** Warnings of the command itself, before those of the method. */
  readonly warnings: readonly Warning[];
  /** Lines that belong before the table, such as where a run was interrupted. */
  readonly before: readonly string[];
  /** Lines that belong at the end, such as the name of a saved state. */
  readonly after: readonly string[];
}

/** Prints a result: the table or the JSON on stdout, warnings and sentences on stderr; writes the files asked for. */
export async function showOutcome(outcome: Outcome, terminal: Terminal): Promise<void> {
  const { settings } = outcome;
  const result = select(outcome.result, settings.outputs);
  const story = storyOf(outcome, result, terminal.err.look.utf8);
  const { out, err } = terminal;
  // Blocks on a screen stand apart by one empty line, whichever stream they come from.
  if (outcome.before.length > 0) lines(err, outcome.before);
  if (!settings.quiet || terminal.shared) err.write('\n');
  out.write(settings.json ? jsonDocument(result) : indexTables(result, out.look));
  // After the answer, so that a disk that filled up meanwhile does not cost it.
  const written = await writeFiles(outcome, result, story);
  const warnings = [...outcome.warnings, ...result.diagnostics.warnings];
  const said = settings.quiet ? [] : [...leadSentences(story), runSentence(outcome, story, result)];
  if (terminal.shared && warnings.length + said.length > 0) err.write('\n');
  for (const warning of warnings) warn(err, warning);
  if (warnings.length > 0 && said.length > 0) err.write('\n');
  lines(err, said);
  if (!settings.quiet) err.write(again(written, outcome.command, err.look.width));
  lines(err, outcome.after);
}

/** 'Wrote flood.html. Again: ensample ...'; a command is never broken, so that it can be copied. */
function again(written: readonly string[], command: string, width: number): string {
  const lead = `${written.length === 0 ? '' : `Wrote ${written.join(', ')}. `}Again:`;
  return `${lead}${cells(lead) + 1 + cells(command) > width ? '\n  ' : ' '}${command}\n`;
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

/** 'Mean -10.944 m, standard deviation 1.083 m. Host WASM SIMD, 2 threads, seed 7, 0.4 s.'; of a card: 'NVIDIA A10, float32, ...'. */
function runSentence(
  { elapsed, settings }: Outcome,
  story: Story,
  { provenance, design }: SobolResult,
): string {
  const host =
    provenance.backend === 'webgpu' ? `${provenance.adapter}, float32` : `Host ${provenance.adapter}`;
  const grown = settings.until === undefined ? '' : `, ${count(design.points)} points`;
  const run = `${host}, seed ${provenance.seed}${grown}, ${duration(elapsed / 1000)}.`;
  // Only a long run of a kernel looks for a card; one that found none ran slower than it might have.
  const slower = provenance.notes.find((note) => note.startsWith('Ran on the processor: no GPU'));
  return [outputSentence(story), run, slower].filter((part) => part !== undefined).join(' ');
}

function warn(err: Stream, { message }: Warning): void {
  const { width, paint } = err.look;
  const text = wrap(printable(`Caution: ${inFlagWords(message)}`), width);
  err.write(`${paint.yellow('Caution:')}${text.slice('Caution:'.length)}\n`);
}

function lines(err: Stream, texts: readonly string[]): void {
  for (const text of texts) err.write(`${wrap(text, err.look.width)}\n`);
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
    lead: [...leadSentences({ ...story, plusMinus: '±' }), ...(own === undefined ? [] : [own])],
    warnings: [...outcome.warnings, ...result.diagnostics.warnings],
    inputs: Object.entries(problem.inputs).map(([name, law]) => ({ name, law: describe(law) })),
    outputs: result.outputs.map(({ name }) => ({ name, ...known.get(name) })),
    ...(problem.series === undefined || !all ? {} : { series: problem.series }),
    ...(settings.until === undefined ? {} : { target: settings.until }),
    command: outcome.commandByName,
    elapsed: outcome.elapsed,
    csv: csvDocument(result),
    json: jsonDocument(result),
  };
}

/** A law from elsewhere may answer the interface only in part. */
function describe(law: { describe?: () => string; name?: string }): string {
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
