// Text on a terminal: how many cells it takes, how it is padded, cut and wrapped.

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Ranges of code points that take two cells: East Asian wide and fullwidth forms, and emoji. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

function cellsOf(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0;
  if (/^[\p{Mark}\p{Format}]+$/u.test(grapheme)) return 0;
  // U+FE0F asks for the picture form of a character, which is two cells wide.
  if (grapheme.includes('\ufe0f')) return 2;
  return WIDE.some(([low, high]) => code >= low && code <= high) ? 2 : 1;
}

function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** Cells a text takes on a terminal; it must hold no escape sequences. */
export function cells(text: string): number {
  let total = 0;
  for (const part of graphemes(text)) total += cellsOf(part);
  return total;
}

/** A name with anything that could move the cursor, colour or break the line replaced by '?'. */
export function printable(name: string): string {
  return name.replace(/[\p{Control}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}

/** Text filled up with spaces on its right to `width` cells. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cells(text)));
}

/** Text filled up with spaces on its left to `width` cells. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - cells(text))) + text;
}

/** Text in the middle of `width` cells; of an odd rest the larger part goes left. */
export function centre(text: string, width: number): string {
  const rest = Math.max(0, width - cells(text));
  return ' '.repeat(Math.ceil(rest / 2)) + text + ' '.repeat(Math.floor(rest / 2));
}

/** Left and right text at the two ends of a line, or on two lines where they do not fit. */
export function spread(left: string, right: string, width: number): string {
  const gap = width - cells(left) - cells(right);
  return gap >= 2 ? left + ' '.repeat(gap) + right : `${left}\n${right}`;
}

/** Spaces inside a number and between a number and its unit, where no line may end. */
const INSIDE = /(?<=\d) (?=\d{3}(?!\d)|%|(?:s|min|h|GiB)\b)/g;
const HARD = '\u00a0';

/** Words broken into lines of at most `width` cells; a longer word gets a line of its own. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replace(INSIDE, HARD).split(' ')) {
    if (line !== '' && cells(line) + 1 + cells(word) > width) {
      lines.push(line.trimEnd());
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line.trimEnd());
  return lines.join('\n').replaceAll(HARD, ' ');
}

const LONGEST = 16;
/** Cells that are kept of the front of a name of 16, tried in this order. */
const HEADS: readonly number[] = [8, 7, 6, 9, 5, 10, 4, 11, 3, 12, 2, 1];

/**
 * Names as the table shows them: printable, at most `longest` cells, longer ones cut in the middle
 * ('soil_con...ity_3') at a place where no two look alike.
 */
export function shortNames(names: readonly string[], longest: number = LONGEST): string[] {
  const clean = names.map(printable);
  const fits = (name: string): boolean => cells(name) <= longest;
  const taken = new Set(clean.filter(fits));
  const long = clean.filter((name) => !fits(name));
  const heads = HEADS.map((head) => head + Math.floor((longest - LONGEST) / 2));
  const head = heads.find((kept) =>
    distinct(
      long.map((name) => cut(name, kept, longest)),
      taken,
    ),
  );
  return clean.map((name, i) => {
    if (fits(name)) return name;
    return head === undefined ? numbered(name, i, longest) : cut(name, head, longest);
  });
}

function distinct(short: readonly string[], taken: ReadonlySet<string>): boolean {
  return new Set(short).size === short.length && short.every((name) => !taken.has(name));
}

function cut(name: string, head: number, longest: number): string {
  const parts = graphemes(name);
  return `${take(parts, head)}...${take(parts.toReversed(), longest - 3 - head, true)}`;
}

/** When every cut makes two names alike: the column number tells them apart. */
function numbered(name: string, i: number, longest: number): string {
  const tail = `...#${i + 1}`;
  return take(graphemes(name), longest - tail.length) + tail;
}

function take(parts: readonly string[], room: number, backwards = false): string {
  const chosen: string[] = [];
  let left = room;
  for (const part of parts) {
    left -= cellsOf(part);
    if (left < 0) break;
    chosen.push(part);
  }
  return (backwards ? chosen.reverse() : chosen).join('');
}
