// Every kernel of the module. A kernel has a JavaScript twin of the same name in ../twins and does the same
// operations in the same order; arrays are byte offsets into the imported memory, indices are unsigned.
export { philoxWords, uniform } from './philox';
export { normal, normalQuantiles } from './normal';
export { sumBlocks } from './sums';
