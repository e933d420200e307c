import type { Instant } from '../contracts/identifiers.ts';

/** The wall clock. Environments' clocks are in the database (`EnvironmentRepository.now`). */
export interface Clock {
  now(): Instant;
}
