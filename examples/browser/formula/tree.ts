import type { FunctionName } from './functions.ts';

/** The operators of two operands. */
export type Operator = '+' | '-' | '*' | '/' | '^';

/** A formula as a tree. */
export type Tree =
  | { readonly kind: 'number'; readonly value: number }
  /** Input number `index`, counted from 0 in the list of names that the parser was given. */
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'negative'; readonly of: Tree }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly args: readonly Tree[] };

/** Numbers of the inputs that a formula mentions, in order. */
export function inputsOf(tree: Tree): readonly number[] {
  const found = new Set<number>();
  const visit = (node: Tree): void => {
    if (node.kind === 'input') found.add(node.index);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(tree);
  return [...found].sort((a, b) => a - b);
}

/** The operands of a node, from left to right. */
export function childrenOf(node: Tree): readonly Tree[] {
  switch (node.kind) {
    case 'number':
    case 'input':
      return [];
    case 'negative':
      return [node.of];
    case 'binary':
      return [node.left, node.right];
    case 'call':
      return node.args;
    default:
      return node satisfies never;
  }
}
