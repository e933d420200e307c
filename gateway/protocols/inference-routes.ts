import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PerennialError } from '../../contracts/errors.ts';
import { modelFormats } from '../../contracts/model-format.ts';
import { allow, placeOf, principalOf } from '../allow.ts';
import { outputsIn } from './answers.ts';
import type { GatewayServerDependencies } from '../gateway-dependencies.ts';
import { failureReason } from './failure-reason.ts';
import { labelsOf } from '../serving/inference.ts';
import { countInHeader, listInHeader } from './list-in-header.ts';
import { inferenceResponse, invocationText } from './inference-text.ts';
import type { InferenceHead } from './open-inference.ts';
import { acceptCsvBodies, RawBody } from './request-bodies.ts';
import type { ServedScope } from '../serving/serving-table.ts';
import { jsonLengthHeader } from './binary-tensors.ts';
import { quoted, refuse } from './tensor-columns.ts';
import { sentInChunks, sentText } from './sent-in-chunks.ts';

const serverName = 'perennial';
/** Version of the gateway's protocol interface. It does not change with every release. */
const serverVersion = '1';

interface ModelRoute {
  readonly Params: { readonly model: string; readonly version?: string };
}

function versionIn({ version }: { readonly version?: string | undefined }): number | undefined {
  if (version === undefined) return undefined;
  if (!/^\d{1,9}$/.test(version)) throw refuse(`${quoted(version)} is not a version; versions are whole numbers`);
  return Number(version);
}

/** Returns the version from the path or from the body's `model_version`. Throws `invalid-request` if they differ. */
function versionAsked(params: ModelRoute['Params'], body: InferenceHead): number | undefined {
  const inPath = versionIn(params);
  const inBody = versionIn(body);
  if (inPath !== undefined && inBody !== undefined && inPath !== inBody)
    throw refuse(
      `the path names version ${inPath}, but "model_version" is ${inBody}; name the same version in both, or only one`,
    );
  return inPath ?? inBody;
}

interface Found {
  readonly served: ServedScope;
  /**
   * Age of the last database read in seconds, if it exceeds the model's `serve.maxStaleness`; `undefined` otherwise.
   */
  readonly staleSeconds: number | undefined;
}

/**
 * Finds what serves the model. The role is checked first, so that callers without access do not learn which models
 * exist.
 */
function servedIn(deps: GatewayServerDependencies, request: FastifyRequest, reply: FastifyReply, model: string): Found {
  const place = placeOf(request);
  allow(request, 'viewer', { ...place, model });
  const served = deps.table.find(place.project, model, place.environment);
  const { maxMs, onStale } = served.entry.staleness;
  const stale = deps.staleSeconds();
  if (stale * 1000 <= maxMs) return { served, staleSeconds: undefined };
  const staleSeconds = Math.floor(stale);
  void reply.header('perennial-stale-seconds', staleSeconds);
  if (onStale === 'say') return { served, staleSeconds };
  throw new PerennialError(
    'model-unavailable',
    `this gateway has been unable to read the deployments from the database for ${staleSeconds} s, longer than serve.maxStaleness of ${served.label}, and serve.onStale is "refuse"; use another gateway, or make the database reachable again`,
    { staleSeconds },
  );
}

async function counted<Answer>(
  deps: GatewayServerDependencies,
  served: ServedScope,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (caught) {
    deps.metrics.failed(labelsOf(served), failureReason(caught));
    throw caught;
  }
}

function staleness(seconds: number | undefined): { readonly stale_seconds?: number } {
  return seconds === undefined ? {} : { stale_seconds: seconds };
}

function modelMetadata(
  deps: GatewayServerDependencies,
  { served, staleSeconds }: Found,
  model: string,
  version: number | undefined,
): object {
  const slot = version === undefined ? served.champion : deps.table.pinned(served, version);
  const { format, signature } = slot.model;
  return {
    name: model,
    versions: deps.table.versions(served).map(String),
    platform: modelFormats[format].platform,
    inputs: signature.inputs.map((input) => ({ name: input.name, datatype: input.type, shape: [-1] })),
    outputs: outputsIn(signature),
    ...stateOf(deps, served, staleSeconds),
  };
}

/** Reports staleness and ledger mismatches in `parameters`, the protocol's field for extensions. */
function stateOf(deps: GatewayServerDependencies, served: ServedScope, staleSeconds: number | undefined): object {
  const mismatch = deps.table.mismatchOf(served.scope);
  const parameters = {
    ...staleness(staleSeconds),
    ...(mismatch === undefined ? {} : { ledger_mismatch: mismatch.reason }),
  };
  return Object.keys(parameters).length === 0 ? {} : { parameters };
}

/** Registers the routes of the Open Inference Protocol and MLflow's `/invocations`. */
export function inferenceRoutes(app: FastifyInstance, deps: GatewayServerDependencies): void {
  app.get('/v2', async () => ({ name: serverName, version: serverVersion, extensions: ['binary_tensor_data'] }));
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, async (request, reply) =>
      modelMetadata(
        deps,
        servedIn(deps, request, reply, request.params.model),
        request.params.model,
        versionIn(request.params),
      ),
    );
    app.get<ModelRoute>(`${path}/ready`, async (request, reply) => {
      const { served } = servedIn(deps, request, reply, request.params.model);
      const version = versionIn(request.params);
      if (version !== undefined) deps.table.pinned(served, version);
      requireReady(deps, served);
      return { name: request.params.model, ready: true };
    });
    app.post<ModelRoute>(`${path}/infer`, async (request, reply) => infer(deps, request, reply));
  }
  void app.register(async (scoring) => {
    acceptCsvBodies(scoring);
    scoring.post<{ Querystring: { readonly model?: unknown } }>('/invocations', async (request, reply) =>
      invoke(deps, request, reply),
    );
  });
}

/**
 * Throws `model-unavailable` while this gateway stops, and if it refuses the model's requests because it cannot log
 * predictions.
 */
function requireReady({ leaving, writingProblem }: GatewayServerDependencies, { label, log }: ServedScope): void {
  const problem = leaving.aborted
    ? 'this gateway is stopping'
    : log.onFull === 'refuse' && log.sample > 0
      ? writingProblem()
      : undefined;
  if (problem === undefined) return;
  throw new PerennialError(
    'model-unavailable',
    `${label} is not ready on this gateway: ${problem}; use another gateway`,
  );
}

async function infer(
  deps: GatewayServerDependencies,
  request: FastifyRequest<ModelRoute>,
  reply: FastifyReply,
): Promise<string | Buffer | Readable> {
  const { model } = request.params;
  const { served, staleSeconds } = servedIn(deps, request, reply, model);
  return counted(deps, served, async () => {
    const { head, columns } = await deps.bodies.read('inference', rawBodyOf(request), served.champion.taken);
    const answer = await deps.inference.answer({
      served,
      principal: principalOf(request),
      version: versionAsked(request.params, head),
      parameters: head.parameters,
      requestId: requestIdOf(head),
      columns,
    });
    const { json, tensors } = await inferenceResponse({ model, head, staleSeconds, answer });
    if (tensors.length === 0) {
      void reply.header('content-type', jsonType);
      return sentText(reply, json);
    }
    const text = Buffer.from(json, 'utf8');
    void reply.header('content-type', 'application/octet-stream').header(jsonLengthHeader, text.length);
    return sentInChunks(reply, Buffer.concat([text, ...tensors]));
  });
}

const jsonType = 'application/json; charset=utf-8';

function rawBodyOf({ body }: FastifyRequest): RawBody {
  if (body instanceof RawBody) return body;
  throw refuse('the request has no body; send a JSON object');
}

/** Returns the request id; an empty id counts as absent. */
function requestIdOf({ id }: InferenceHead): string | undefined {
  return id === '' ? undefined : id;
}

async function invoke(
  deps: GatewayServerDependencies,
  request: FastifyRequest<{ Querystring: { readonly model?: unknown } }>,
  reply: FastifyReply,
): Promise<string | Buffer | Readable> {
  const { model } = request.query;
  if (typeof model !== 'string' || model === '')
    throw refuse('the request names no model; send it to POST /invocations?model=…');
  const { served } = servedIn(deps, request, reply, model);
  return counted(deps, served, async () => {
    const { head, columns } = await deps.bodies.read('invocation', rawBodyOf(request), served.champion.taken);
    const answer = await deps.inference.answer({
      served,
      principal: principalOf(request),
      version: undefined,
      parameters: head.parameters,
      requestId: undefined,
      columns,
    });
    listInHeader(reply, 'perennial-prediction-ids', answer.ids);
    const { names, count } = answer.ignored;
    if (count > 0) countInHeader(reply, 'perennial-ignored', names, count);
    void reply
      .header('content-type', jsonType)
      .header('perennial-release', answer.release)
      .header('perennial-generation', answer.generation)
      .header('perennial-model-version', answer.slot.version);
    return sentText(reply, await invocationText(answer));
  });
}
