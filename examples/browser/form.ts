import { closureOf } from './formula/closure.ts';
import { FormulaError } from './formula/error.ts';
import { parseFormula } from './formula/parse.ts';
import { lawWords, MODELS, OWN, type PageInput } from './models.ts';
import { count, plain } from './numbers.ts';
import { DEFAULTS, modelOf, POINTS, type Settings, TARGETS } from './settings.ts';
import { type FieldError, formulaOf, shownInputs } from './task.ts';

/** Milliseconds without a key after which a change counts. */
const AFTER_RANGE = 300;
const AFTER_FORMULA = 700;

/** The part of an interval's width by which an arrow key moves an end. */
const NUDGE = 0.05;

/** The fields of the page. */
export interface Form {
  readonly settings: Settings;
  write(settings: Settings): void;
  /** Show what is wrong at its field; undefined clears all fields. */
  complain(error: FieldError | undefined): void;
}

/** An element of the page by its id. */
export function byId<T extends Element>(id: string): T {
  // The page and this program are built together.
  return document.getElementById(id) as unknown as T;
}

/** Watch the fields: `changed` is called when a change has rested. */
export function watchForm(first: Settings, changed: () => void): Form {
  const model = byId<HTMLSelectElement>('model');
  const formula = byId<HTMLTextAreaElement>('formula');
  const selects = {
    target: byId<HTMLSelectElement>('target'),
    points: byId<HTMLSelectElement>('points'),
    on: byId<HTMLSelectElement>('on'),
  };
  const seed = byId<HTMLInputElement>('seed');
  let settings = first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const change = (next: Partial<Settings>, after: number): void => {
    settings = { ...settings, ...next };
    clearTimeout(timer);
    timer = setTimeout(changed, after);
  };
  const setRange = (name: string, range: readonly [string, string]): void =>
    change({ ranges: { ...settings.ranges, [name]: range } }, AFTER_RANGE);
  const show = (): void => {
    const own = settings.model === OWN;
    model.value = settings.model;
    formula.value = formulaOf(settings);
    formula.readOnly = !own;
    byId('model-about').textContent = modelOf(settings.model).about;
    for (const key of ['target', 'points', 'on'] as const) selects[key].value = settings[key];
    seed.value = settings.seed;
    showInputs(shownInputs(settings), settings.ranges, setRange);
  };

  offerChoices(model, selects);
  model.addEventListener('change', () => {
    change({ model: model.value, ranges: {} }, 0);
    show();
  });
  formula.addEventListener('input', () => {
    change({ formula: formula.value }, AFTER_FORMULA);
    showInputs(shownInputs(settings), settings.ranges, setRange);
  });
  for (const key of ['target', 'points', 'on'] as const)
    selects[key].addEventListener('change', () => change({ [key]: selects[key].value }, 0));
  seed.addEventListener('input', () => change({ seed: seed.value }, AFTER_RANGE));
  show();
  return {
    get settings() {
      return settings;
    },
    write(next) {
      settings = { ...DEFAULTS, ...next };
      show();
    },
    complain: (error) => {
      clearTimeout(timer);
      complain(error);
    },
  };
}

function offerChoices(
  model: HTMLSelectElement,
  { target, points, on }: Readonly<Record<'target' | 'points' | 'on', HTMLSelectElement>>,
): void {
  fill(
    model,
    MODELS.map(({ id, title }) => [id, title]),
  );
  fill(
    target,
    TARGETS.map((t) => [t, t === '0' ? 'as well as all points tell' : `± ${t}`]),
  );
  fill(
    points,
    POINTS.map((n) => [n, count(Number(n))]),
  );
  fill(on, [
    ['auto', 'graphics card, if there is one'],
    ['host', 'processor'],
  ]);
}

function fill(
  select: HTMLSelectElement,
  options: readonly (readonly [value: string, words: string])[],
): void {
  select.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
}

/** The rows of the inputs. A row that is there already stays, so that a field keeps its focus. */
function showInputs(
  inputs: readonly PageInput[],
  ranges: Settings['ranges'],
  set: (name: string, range: readonly [string, string]) => void,
): void {
  const box = byId<HTMLElement>('inputs');
  const rows = inputs.map((input) => {
    const there = [...box.children].find((row) => row.getAttribute('data-input') === rowKey(input));
    const row = there ?? makeRow(input, set);
    const [from, to] = ranges[input.name] ?? [input.from, input.to];
    const fields = row.querySelectorAll('input');
    if (document.activeElement !== fields[0]) fields[0]!.value = from;
    if (document.activeElement !== fields[1]) fields[1]!.value = to;
    return row;
  });
  if (rows.length !== box.children.length || rows.some((row, i) => box.children[i] !== row))
    box.replaceChildren(...rows);
}

function rowKey({ name, about, shape }: PageInput): string {
  return `${name} ${about} ${shape.kind}`;
}

function makeRow(
  input: PageInput,
  set: (name: string, range: readonly [string, string]) => void,
): HTMLElement {
  const { name, about, shape } = input;
  const row = document.createElement('div');
  row.className = 'input';
  row.setAttribute('data-input', rowKey(input));
  const label = document.createElement('label');
  label.htmlFor = `from-${name}`;
  label.textContent = name;
  label.title = `${name}: ${lawWords(shape)}`;
  const small = document.createElement('small');
  small.textContent = about;
  if (about !== '') label.append(small);
  const error = document.createElement('p');
  error.className = 'field-error';
  error.id = `${name}-error`;
  error.hidden = true;
  const fields = (['from', 'to'] as const).map((end) => {
    const field = document.createElement('input');
    field.id = `${end}-${name}`;
    field.setAttribute('aria-label', `${name} ${end}`);
    field.setAttribute('aria-describedby', error.id);
    return field;
  });
  const [from, to] = fields as [HTMLInputElement, HTMLInputElement];
  const tell = (): void => set(name, [from.value, to.value]);
  for (const field of fields) {
    field.addEventListener('input', tell);
    field.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
      const moved = step === 0 ? undefined : nudged(field.value, from.value, to.value, step);
      if (moved === undefined) return;
      event.preventDefault();
      field.value = moved;
      tell();
    });
  }
  row.append(label, from, to, error);
  return row;
}

/** An end moved by a part of the width; undefined where one of them is no number. */
function nudged(text: string, from: string, to: string, step: number): string | undefined {
  const [value, low, high] = [text, from, to].map(numberOf) as [number, number, number];
  const moved = value + step * NUDGE * Math.abs(high - low);
  return Number.isFinite(moved) ? plain(moved) : undefined;
}

function numberOf(text: string): number {
  try {
    return closureOf(parseFormula(text, []))([]);
  } catch (error) {
    if (error instanceof FormulaError) return Number.NaN;
    throw error;
  }
}

function complain(error: FieldError | undefined): void {
  for (const field of document.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
  for (const line of document.querySelectorAll<HTMLElement>('.field-error')) line.hidden = true;
  if (error === undefined) return;
  const line = byId<HTMLElement>(`${error.field}-error`);
  line.textContent = error.message;
  line.hidden = false;
  for (const field of document.querySelectorAll(`[aria-describedby~="${line.id}"]`))
    field.setAttribute('aria-invalid', 'true');
}
