import type { NamedModel, PointValue, PointwiseModel } from './model.ts';

/**
 * The same model, remembering its answers: a point with exactly the same inputs is evaluated once. For slow
 * models with discrete inputs, or runs repeated with the same seed. Failures are not remembered.
 *
 * @param model made by `pointwise` or `named`; it must answer the same inputs with the same outputs.
 * @param most answers kept; the oldest are forgotten first. Default 1 000 000.
 */
export function cached(model: NamedModel, most?: number): NamedModel;
export function cached(model: PointwiseModel, most?: number): PointwiseModel;
export function cached(model: NamedModel | PointwiseModel, most = 1_000_000): NamedModel | PointwiseModel {
  const answers = new Map<string, PointValue>();
  const remember = (key: string, answer: PointValue): PointValue => {
    // A model may hand out the same buffer again, so what is kept is a copy.
    const kept = typeof answer === 'number' ? answer : Float64Array.from(answer);
    if (answers.size >= most) answers.delete(answers.keys().next().value!);
    answers.set(key, kept);
    return kept;
  };
  const ask = (
    key: string,
    evaluate: () => PointValue | Promise<PointValue>,
  ): PointValue | Promise<PointValue> => {
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = evaluate();
    return answer instanceof Promise ? answer.then((value) => remember(key, value)) : remember(key, answer);
  };
  if (model.kind === 'pointwise') {
    return { kind: 'pointwise', evaluate: (x) => ask(x.join(), () => model.evaluate(x)) };
  }
  return {
    kind: 'named',
    evaluate: (inputs) => ask(Object.values(inputs).join(), () => model.evaluate(inputs)),
  };
}
