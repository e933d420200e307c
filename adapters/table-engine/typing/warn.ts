import type { DataWarning } from '../../../contracts/data/data-warning.ts';

/** Takes a warning or a guess about the batch at hand. They may come in any order and number: the list is bounded at the end. */
export type Warn = (warning: DataWarning) => void;
