import { FormulaError } from './error.ts';

/** A word of a formula. `text` is as the grammar knows it: '^' for '**', '*' for '×'. */
export interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly offset: number;
  readonly length: number;
}

/** Longer formulas are refused; recursion over a tree of this many characters is safe. */
const LONGEST = 2000;

const SPACE = /\s+/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[\p{L}_][\p{L}\p{Nd}_.]*/uy;
const SIGN = /\*\*|[-+*/^(),−–×·÷²³]/uy;

/** Signs that come in by copying from a text. */
const SAME: ReadonlyMap<string, string> = new Map([
  ['**', '^'],
  ['−', '-'],
  ['–', '-'],
  ['×', '*'],
  ['·', '*'],
  ['÷', '/'],
]);

/** @throws FormulaError at the first character that belongs to no word. */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > LONGEST) {
    const sentence = `the formula has ${text.length} characters; at most ${LONGEST} are read.`;
    throw new FormulaError(text, LONGEST, text.length - LONGEST, sentence);
  }
  const tokens: Token[] = [];
  let offset = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    return pattern.exec(text)?.[0];
  };
  const push = (kind: Token['kind'], found: string): void => {
    tokens.push({ kind, text: SAME.get(found) ?? found, offset, length: found.length });
    offset += found.length;
  };
  while (offset < text.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      offset += space.length;
      continue;
    }
    const number = take(NUMBER);
    const name = number === undefined ? take(NAME) : undefined;
    const sign = number === undefined && name === undefined ? take(SIGN) : undefined;
    if (number !== undefined) push('number', number);
    else if (name !== undefined) push('name', name);
    else if (sign !== undefined) push('sign', sign);
    else throw unreadable(text, offset);
  }
  tokens.push({ kind: 'end', text: '', offset: text.length, length: 0 });
  return tokens;
}

const HINTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '=': 'Write only the right-hand side.',
    '[': 'Use round brackets.',
    ']': 'Use round brackets.',
    '{': 'Use round brackets.',
    '}': 'Use round brackets.',
    '%': 'Write a share as a number: 0.05.',
    ';': 'A formula is one expression.',
    '|': 'Write abs(...).',
    '√': 'Write sqrt(...).',
    '!': 'There is no factorial.',
    '<': 'There are no comparisons; min, max, abs and sign may do.',
    '>': 'There are no comparisons; min, max, abs and sign may do.',
  }),
);

function unreadable(text: string, offset: number): FormulaError {
  const sign = String.fromCodePoint(text.codePointAt(offset)!);
  const hint = HINTS.get(sign);
  const sentence = `\`${sign}\` has no meaning here.${hint === undefined ? '' : ` ${hint}`}`;
  return new FormulaError(text, offset, sign.length, sentence);
}
