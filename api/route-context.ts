import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '../contracts/identifiers.ts';
import type { SignedIn, SignedInStill } from './access/authentication.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ScheduleKeeper } from './keeping/schedule-keeper.ts';

/** What routes are given. */
export interface RouteContext extends ApiDependencies {
  readonly signedIn: SignedIn;
  readonly signedInStill: SignedInStill;
  readonly schedules: ScheduleKeeper;
  /** Has the gateways hand over what they answered last. */
  readonly recentPredictions: (scope: Scope) => Promise<void>;
  /** Aborted when the server begins to close, so that streams that would go on end. */
  readonly closing: AbortSignal;
}

/** Fastify with zod schemas as types. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
