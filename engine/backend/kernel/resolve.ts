import type { Identifier, Node, Pattern, VariableDeclaration } from 'acorn';
import type { Rounded } from './exact.ts';
import { type KernelSource, refusal } from './source.ts';

/** A local variable or parameter of a kernel. */
export interface Variable {
  readonly name: string;
  readonly kind: 'let' | 'const' | 'var' | 'parameter';
  readonly declared: Identifier;
  /** Nodes that change it, its declaration not counted. */
  readonly changes: Node[];
  /** Whether it may hold the stand-in of an infinity; found while lowering, only ever from false to true. */
  infinite: boolean;
  /** An integer that float32 rounds and that it may hold; found in the same way. */
  rounded: Rounded | undefined;
  /** What it holds, from its first value on. */
  holds: 'number' | 'boolean' | undefined;
}

/** Which variable each name of a function means. */
export interface Resolution {
  readonly parameters: readonly Variable[];
  readonly of: ReadonlyMap<Identifier, Variable>;
  /** All names declared somewhere in the function. */
  readonly declared: ReadonlySet<string>;
}

type Scope = { readonly names: Map<string, Variable>; readonly outer: Scope | undefined };

/**
 * Resolve the names of a function. `var` is taken as `let` where that is the same.
 * @throws OptionError for a name declared twice, or a pattern where a parameter should be.
 */
export function resolveNames(source: KernelSource): Resolution {
  const of = new Map<Identifier, Variable>();
  const declared = new Set<string>();
  const top: Scope = { names: new Map(), outer: undefined };
  const declare = (scope: Scope, node: Identifier, kind: Variable['kind']): Variable => {
    const twice = kind === 'var' ? find(scope, node.name) : scope.names.get(node.name);
    if (twice !== undefined) {
      throw refusal(source, node, {
        found: `\`${node.name}\` is declared twice`,
        expected: 'a name of its own for each variable',
      });
    }
    const variable: Variable = {
      name: node.name,
      kind,
      declared: node,
      changes: [],
      infinite: false,
      rounded: undefined,
      holds: undefined,
    };
    scope.names.set(node.name, variable);
    declared.add(node.name);
    of.set(node, variable);
    return variable;
  };
  const parameters = source.tree.params.map((pattern) =>
    declare(top, parameterOf(source, pattern), 'parameter'),
  );
  walk(source.tree.body, top);
  return { parameters, of, declared };

  function open(outer: Scope, statements: readonly Node[]): Scope {
    const scope: Scope = { names: new Map(), outer };
    for (const node of statements) {
      if (!isDeclaration(node)) continue;
      for (const { id } of node.declarations) for (const name of namesOf(id)) declare(scope, name, node.kind);
    }
    return scope;
  }

  function walk(node: Node, scope: Scope): void {
    if (isFunctionNode(node)) return;
    if (is(node, 'Identifier')) {
      const variable = find(scope, node.name);
      if (variable !== undefined) of.set(node, variable);
      else checkCoverage(source, node);
    } else if (is(node, 'BlockStatement')) {
      const inner = open(scope, node.body);
      for (const child of node.body) walk(child, inner);
    } else if (is(node, 'ForStatement')) {
      const inner = open(scope, node.init == null ? [] : [node.init]);
      for (const child of [node.init, node.test, node.update, node.body])
        if (child != null) walk(child, inner);
    } else {
      const change = changed(node);
      if (change !== undefined) find(scope, change.name)?.changes.push(node);
      for (const child of children(node)) walk(child, scope);
    }
  }
}

/** @throws OptionError for a counter of a coverage tool, before anything that it does is called wrong. */
function checkCoverage(source: KernelSource, node: Identifier): void {
  if (!/^(cov_|__cov|_?_?istanbul)/.test(node.name)) return;
  throw refusal(source, node, {
    found: `a coverage tool put \`${node.name}\` into the function`,
    expected: 'the function as it was written',
    fix: 'Use coverage of the kind v8, which leaves functions alone, or give the function as text.',
  });
}

function find(scope: Scope | undefined, name: string): Variable | undefined {
  for (let at = scope; at !== undefined; at = at.outer) {
    const found = at.names.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function parameterOf(source: KernelSource, pattern: Pattern): Identifier {
  if (pattern.type === 'Identifier') return pattern;
  throw refusal(source, pattern, {
    found: 'a parameter is a pattern or has a default value',
    expected: 'a plain name, as in `function (x)`',
    fix: 'Take the point as one parameter and read x[0], x[1], ... from it.',
  });
}

/** The nodes of the types this file asks about. */
interface NodesByType {
  Identifier: Identifier;
  BlockStatement: import('acorn').BlockStatement;
  ForStatement: import('acorn').ForStatement;
  AssignmentExpression: import('acorn').AssignmentExpression;
  UpdateExpression: import('acorn').UpdateExpression;
  MemberExpression: import('acorn').MemberExpression;
  Property: import('acorn').Property;
}

/** Whether a node is of a type. */
export function is<T extends keyof NodesByType>(node: Node, type: T): node is NodesByType[T] {
  return node.type === type;
}

function isDeclaration(node: Node): node is VariableDeclaration {
  return node.type === 'VariableDeclaration';
}

/** Whether a node is a function of its own. */
export function isFunctionNode(node: Node): boolean {
  return /^(Function|Arrow|Class)/.test(node.type);
}

/** The variable that an assignment or ++ changes, if it changes one. */
function changed(node: Node): Identifier | undefined {
  const target = is(node, 'AssignmentExpression')
    ? node.left
    : is(node, 'UpdateExpression')
      ? node.argument
      : undefined;
  if (target === undefined) return undefined;
  if (is(target, 'Identifier')) return target;
  // An element of a local array: the array changes.
  return is(target, 'MemberExpression') && is(target.object, 'Identifier') ? target.object : undefined;
}

/** Names that a pattern declares. */
function namesOf(pattern: Pattern): Identifier[] {
  if (pattern.type === 'Identifier') return [pattern];
  if (pattern.type === 'ArrayPattern')
    return pattern.elements.flatMap((part) => (part === null ? [] : namesOf(part)));
  if (pattern.type !== 'ObjectPattern') return [];
  return pattern.properties.flatMap((part) =>
    part.type === 'Property' ? namesOf(part.value) : namesOf(part.argument),
  );
}

/** The nodes inside a node, names of members left out. */
export function children(node: Node): Node[] {
  const skip =
    (is(node, 'MemberExpression') && !node.computed && 'property') || (is(node, 'Property') && 'key');
  const found: Node[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === skip || key === 'label') continue;
    for (const child of Array.isArray(value) ? value : [value])
      if (child !== null && typeof child === 'object' && typeof child.type === 'string') found.push(child);
  }
  return found;
}

/** Whether an expression assigns to anything. */
export function changesSomething(node: Node): boolean {
  return (
    is(node, 'AssignmentExpression') || is(node, 'UpdateExpression') || children(node).some(changesSomething)
  );
}
