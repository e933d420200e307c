import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PerennialError } from '../contracts/errors.ts';
import type { Signature } from '../contracts/model-version.ts';
import { allow, placeOf, principalOf } from './access.ts';
import type { GatewayServerDependencies } from './dependencies.ts';
import type { InferenceAnswer } from './inference.ts';
import { labelsOf } from './inference.ts';
import { parseInvocationBody } from './invocations.ts';
import type { FailureReason } from './metrics.ts';
import { checkOutputs, parseInferenceBody, readInferenceColumns } from './open-inference.ts';
import type { ServedScope } from './serving-table.ts';
import { refuse } from './tensor-columns.ts';

const serverName = 'perennial';
/** Raised with the protocol's surface, not with every release. */
const serverVersion = '1';

interface ModelRoute {
  readonly Params: { readonly model: string; readonly version?: string };
}

/** Headers grow to this many characters; a request of more rows sends ids of its own. */
const longestIdHeader = 8_192;

function versionIn(params: ModelRoute['Params']): number | undefined {
  if (params.version === undefined) return undefined;
  if (!/^\d{1,9}$/.test(params.version)) throw refuse(`"${params.version}" is no version; versions are whole numbers`);
  return Number(params.version);
}

/** The role is looked at before the model is looked for, so that nobody learns what there is. */
function servedIn(deps: GatewayServerDependencies, request: FastifyRequest, model: string): ServedScope {
  const place = placeOf(request);
  allow(request, 'viewer', { ...place, model });
  return deps.table.find(place.project, model, place.environment);
}

function failureReason(caught: unknown): FailureReason {
  if (!(caught instanceof PerennialError)) return 'BACKEND';
  if (caught.code === 'prediction-invalid' || caught.code === 'internal') return 'BACKEND';
  return caught.status >= 500 ? 'OTHER' : 'REJECTED';
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

function inferenceResponse(answer: InferenceAnswer, model: string, id: string | undefined): object {
  const { signature, predictions, ids, release, generation, slot } = answer;
  const named = ids.length === 1 ? { prediction_id: ids[0] } : { prediction_ids: ids };
  const data =
    signature.output.type === 'BOOL' ? Array.from(predictions, (value) => value !== 0) : Array.from(predictions);
  return {
    model_name: model,
    model_version: String(slot.version),
    ...(id === undefined ? {} : { id }),
    parameters: { release, generation, ...named },
    outputs: [{ name: signature.output.name, shape: [predictions.length], datatype: signature.output.type, data }],
  };
}

function modelMetadata(
  deps: GatewayServerDependencies,
  served: ServedScope,
  model: string,
  version: number | undefined,
): object {
  const slot = version === undefined ? served.champion : deps.table.pinned(served, version);
  const { inputs, output }: Signature = slot.model.signature;
  return {
    name: model,
    versions: deps.table.versions(served).map(String),
    platform: 'onnxruntime_onnx',
    inputs: inputs.map((input) => ({ name: input.name, datatype: input.type, shape: [-1] })),
    outputs: [{ name: output.name, datatype: output.type, shape: [-1] }],
  };
}

/** The Open Inference Protocol's routes and MLflow's `/invocations`. */
export function inferenceRoutes(app: FastifyInstance, deps: GatewayServerDependencies): void {
  app.get('/v2', async () => ({ name: serverName, version: serverVersion, extensions: [] }));
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, async (request) =>
      modelMetadata(
        deps,
        servedIn(deps, request, request.params.model),
        request.params.model,
        versionIn(request.params),
      ),
    );
    app.get<ModelRoute>(`${path}/ready`, async (request) => {
      const served = servedIn(deps, request, request.params.model);
      const version = versionIn(request.params);
      if (version !== undefined) deps.table.pinned(served, version);
      return { name: request.params.model, ready: true };
    });
    app.post<ModelRoute>(`${path}/infer`, async (request) => infer(deps, request));
  }
  app.post<{ Querystring: { readonly model?: unknown } }>('/invocations', async (request, reply) =>
    invoke(deps, request, reply),
  );
}

async function infer(deps: GatewayServerDependencies, request: FastifyRequest<ModelRoute>): Promise<object> {
  const { model } = request.params;
  const served = servedIn(deps, request, model);
  return counted(deps, served, async () => {
    const body = parseInferenceBody(request.body);
    const answer = await deps.inference.answer({
      served,
      principal: principalOf(request),
      version: versionIn(request.params),
      parameters: body.parameters,
      columns: (signature) => {
        checkOutputs(body.outputs, signature);
        return readInferenceColumns(body.inputs, signature);
      },
    });
    return inferenceResponse(answer, model, body.id);
  });
}

async function invoke(
  deps: GatewayServerDependencies,
  request: FastifyRequest<{ Querystring: { readonly model?: unknown } }>,
  reply: FastifyReply,
): Promise<object> {
  const { model } = request.query;
  if (typeof model !== 'string' || model === '') throw refuse('name the model: POST /invocations?model=…');
  const served = servedIn(deps, request, model);
  return counted(deps, served, async () => {
    const { parameters, columns } = parseInvocationBody(request.body);
    const answer = await deps.inference.answer({
      served,
      principal: principalOf(request),
      version: undefined,
      parameters,
      columns,
    });
    const ids = answer.ids.map(encodeURIComponent).join(',');
    if (ids.length <= longestIdHeader) void reply.header('perennial-prediction-ids', ids);
    void reply
      .header('perennial-release', answer.release)
      .header('perennial-generation', answer.generation)
      .header('perennial-model-version', answer.slot.version);
    return { predictions: Array.from(answer.predictions) };
  });
}
