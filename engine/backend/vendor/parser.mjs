export { getLineInfo, parseExpressionAt } from 'acorn';
