import type { Expression, Position } from 'acorn';

/** The expression that begins at `at`; throws SyntaxError with a field `pos`. */
export declare function parseExpressionAt(
  text: string,
  at: number,
  options: { readonly ecmaVersion: 2022; readonly onToken?: unknown },
): Expression;

/** Line (from 1) and column (from 0) of a place in a text. */
export declare function getLineInfo(text: string, at: number): Position;
