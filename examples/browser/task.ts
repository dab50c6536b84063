import { type Law, OptionError } from 'ensample';
import { closureOf } from './formula/closure.ts';
import { FormulaError } from './formula/error.ts';
import { javascriptOf } from './formula/javascript.ts';
import { parseFormula } from './formula/parse.ts';
import { inputsOf, type Tree } from './formula/tree.ts';
import { lawCode, lawOf, OWN, OWN_NAMES, type PageInput } from './models.ts';
import { modelOf, type Settings } from './settings.ts';

/** What is to be computed: settings that have been read and found good. */
export interface Task {
  /** Inputs in the order in which they are shown. */
  readonly names: readonly string[];
  readonly laws: Readonly<Record<string, Law>>;
  readonly lawCodes: Readonly<Record<string, string>>;
  readonly formula: string;
  readonly tree: Tree;
  /** The formula as the text of a JavaScript function of a point. */
  readonly code: string;
  readonly target: number;
  readonly points: number;
  readonly seed: number;
}

/** A setting that cannot be used: which field, and what to say there. */
export class FieldError extends Error {
  /** 'formula', 'seed', or the name of an input. */
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.name = 'FieldError';
    this.field = field;
  }
}

/**
 * The task that settings describe.
 * @throws FieldError for the first field that cannot be used.
 */
export function taskOf(settings: Settings): Task {
  const formula = formulaOf(settings);
  const inputs = shownInputs(settings);
  const names = inputs.map(({ name }) => name);
  const tree = readFormula(formula, names);
  const laws: Record<string, Law> = {};
  const lawCodes: Record<string, string> = {};
  for (const { name, from, to, shape } of inputs) {
    const [low, high] = readRange(name, settings.ranges[name] ?? [from, to]);
    laws[name] = readLaw(name, () => lawOf(shape, low, high));
    lawCodes[name] = lawCode(shape, low, high);
  }
  const seed = Number(settings.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || settings.seed.trim() === '')
    throw new FieldError('seed', 'The seed is a whole number from 0 on.');
  const target = Number(settings.target);
  const points = Number(settings.points);
  return { names, laws, lawCodes, formula, tree, code: javascriptOf(tree), target, points, seed };
}

/** The formula that is in force. */
export function formulaOf(settings: Settings): string {
  return settings.model === OWN ? settings.formula : modelOf(settings.model).formula;
}

/** The inputs that are in force; of a formula of one's own those that it mentions. */
export function shownInputs(settings: Settings): readonly PageInput[] {
  const { inputs } = modelOf(settings.model);
  if (settings.model !== OWN) return inputs;
  const used = mentioned(settings.formula);
  return inputs.filter(({ name }) => used.includes(name));
}

/** Names of inputs in a text, whether it can be read or not; the first one when there is none. */
function mentioned(formula: string): readonly string[] {
  const words = new Set(formula.match(/[\p{L}_][\p{L}\p{Nd}_]*/gu));
  const used = OWN_NAMES.filter((name) => words.has(name));
  return used.length === 0 ? ['x1'] : used;
}

function readFormula(formula: string, names: readonly string[]): Tree {
  try {
    const tree = parseFormula(formula, names);
    const used = inputsOf(tree).length;
    if (used > 1) return tree;
    const found = used === 0 ? 'no input' : `only one input, ${names[0]}`;
    throw new FieldError(
      'formula',
      `The formula has ${found}. Use two or more, such as x1 and x2: there must be something to compare.`,
    );
  } catch (error) {
    if (error instanceof FormulaError) throw new FieldError('formula', error.message);
    throw error;
  }
}

function readRange(name: string, [from, to]: readonly [string, string]): readonly [number, number] {
  const low = readNumber(name, from);
  const high = readNumber(name, to);
  if (low < high) return [low, high];
  throw new FieldError(name, `${name}: ${from} is not below ${to}.`);
}

/** A number, or a formula without inputs such as -pi/2. */
function readNumber(name: string, text: string): number {
  let value = Number.NaN;
  try {
    value = closureOf(parseFormula(text, []))([]);
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
  }
  if (Number.isFinite(value)) return value;
  throw new FieldError(
    name,
    `${name}: ${text.trim() === '' ? 'an end is missing' : `${text} is no number`}.`,
  );
}

function readLaw(name: string, make: () => Law): Law {
  try {
    return make();
  } catch (error) {
    if (error instanceof OptionError) throw new FieldError(name, `${name}: ${error.message}`);
    throw error;
  }
}
