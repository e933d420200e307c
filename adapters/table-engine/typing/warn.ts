import type { DataWarning } from '../../../contracts/data/data-warning.ts';

/**
 * Records a warning or guess about the current batch. Callers need not limit or sort them: the list is bounded at the
 * end.
 */
export type Warn = (warning: DataWarning) => void;
