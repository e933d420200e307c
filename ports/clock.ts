import type { Instant } from '../contracts/identifiers.ts';

/** Reads the wall clock. The clocks of environments are in the database (`EnvironmentRepository.now`). */
export interface Clock {
  now(): Instant;
}
