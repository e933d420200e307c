import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '../contracts/identifiers.ts';
import type { SignedIn, SignedInStill } from './access/authentication.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ScheduleKeeper } from './keeping/schedule-keeper.ts';

/** Dependencies of the routes. */
export interface RouteContext extends ApiDependencies {
  readonly signedIn: SignedIn;
  readonly signedInStill: SignedInStill;
  readonly schedules: ScheduleKeeper;
  /** Makes the gateways upload their newest predictions. */
  readonly recentPredictions: (scope: Scope) => Promise<void>;
  /** Aborted when the server begins to close, so that open streams end. */
  readonly closing: AbortSignal;
}

/** Fastify instance with types from zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
