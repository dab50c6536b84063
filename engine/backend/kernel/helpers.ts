import type { Node } from 'acorn';
import { noteRounded, roundedOf } from './exact.ts';
import { refusal } from './source.ts';
import { functionBody } from './statements.ts';
import {
  asNumber,
  type Frame,
  flagged,
  fresh,
  type Helper,
  isList,
  numberText,
  type Program,
  type Value,
} from './value.ts';

/** Lower a function of option `functions`, once. */
export function lowerHelper(
  program: Program,
  helper: Helper,
  lower: (frame: Frame, node: Node, out: string[]) => Value,
): void {
  if (helper.state === 'done') return;
  helper.state = 'open';
  const { source, resolution } = helper;
  const ids = resolution.parameters.map(() => fresh(program, 'v'));
  // A parameter of the card cannot be written: one that is gets a copy.
  const owns = resolution.parameters.map(({ changes }, i) =>
    changes.length === 0 ? ids[i]! : fresh(program, 'v'),
  );
  const copies = owns.flatMap((id, i) => (id === ids[i] ? [] : [`let ${id} = ${ids[i]};`]));
  const frame: Frame = {
    program,
    source,
    resolution,
    bindings: new Map(
      resolution.parameters.map((variable, i) => [variable, { kind: 'variable', id: owns[i]! }]),
    ),
    assigned: new Set(resolution.parameters),
    helper,
    lower: (node, out) => lower(frame, node, out),
    answer: (node, value, out) => answerHelper(frame, node, value, out),
  };
  const lines = functionBody(frame);
  helper.text = `function ${helper.id}(${ids.join(', ')}) { ${[...copies, ...lines].join(' ')} }`;
  helper.parameters = ids;
  helper.state = 'done';
  program.finished.push(helper);
}

function answerHelper(frame: Frame, node: Node, value: Value | readonly Value[], out: string[]): void {
  const helper = frame.helper!;
  if (isList(value) || value.kind === 'array') {
    throw refusal(frame.source, node, {
      found: `\`${helper.name}\` returns an array`,
      expected: 'one number',
    });
  }
  if (value.kind !== helper.returns) {
    if (helper.returns === 'number') {
      helper.returns = 'boolean';
      frame.program.changed = true;
    } else {
      throw refusal(frame.source, node, {
        found: `\`${helper.name}\` returns a number here, and true or false elsewhere`,
        expected: 'one or the other',
      });
    }
  }
  if (value.kind === 'boolean') {
    out.push(`return ${flagged(frame, node, value, out)};`);
    return;
  }
  const found = asNumber(frame, value, node);
  if (found.infinite && !helper.infinite) {
    helper.infinite = true;
    frame.program.changed = true;
  }
  noteRounded(frame.program, helper, roundedOf(found));
  out.push(`return ${numberText(frame, found, node)};`);
}
