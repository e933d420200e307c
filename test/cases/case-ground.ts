import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { Report } from '../../contracts/monitoring/report.ts';
import type { RunOutcome } from '../../contracts/runs/run.ts';
import { isFinal, Run } from '../../contracts/runs/run.ts';
import type { Said } from '../cli/run-cli.ts';
import { cli } from '../cli/run-cli.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { columnsModel } from '../support/onnx-models.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

/** Returns the path of a checked-in input, such as `padded-codes/rows.csv`. */
export function caseFile(name: string): string {
  return fileURLToPath(new URL(`inputs/${name}`, import.meta.url));
}

/** Rows that a test writes itself. The extension of the name decides the format. */
export interface RowsFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

export interface CaseAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  readonly body: any;
}

/**
 * Configuration sections that a case overrides. In `data`, `build` and `monitor`, each key overrides the default key of
 * the same name.
 */
export interface CaseConfiguration extends Partial<Omit<ConfigurationInput, 'data' | 'build' | 'monitor'>> {
  readonly data?: Partial<ConfigurationInput['data']>;
  readonly build?: Partial<ConfigurationInput['build']>;
  readonly monitor?: Partial<NonNullable<ConfigurationInput['monitor']>>;
}

/**
 * Starts one embedded stack for a test file. `end` stops it and removes every folder. By default a model has the key
 * `id`, the target `y`, the feature `x`, a holdout of a tenth of the rows and no required votes, and it predicts the
 * sum of its features.
 */
export async function layCaseGround(environment: Record<string, string> = {}): Promise<CaseGround> {
  return new CaseGround(await startStackOfRun(environment));
}

export class CaseGround {
  readonly stack: EmbeddedStack;
  readonly #models: TinyModel[] = [];

  constructor(stack: EmbeddedStack) {
    this.stack = stack;
  }

  /** Creates a model in a folder of its own, without applying it. */
  async model(name: string, changes: CaseConfiguration = {}): Promise<CaseModel> {
    const files = await tinyModel(name, (configuration) => changed(defaultsOf(configuration), changes));
    this.#models.push(files);
    const model = new CaseModel(this, name, files);
    const features = changes.data?.features ?? ['x'];
    await model.artifact(columnsModel({ features, weights: features.map(() => 1), bias: 0 }));
    return model;
  }

  /** Runs `perennial …` against the stack, in this process and without a terminal. */
  cli(...args: string[]): Promise<Said> {
    return cli(args, { PERENNIAL_HOME: this.stack.home });
  }

  /**
   * Starts a run through the REST API and waits until it ends, successfully or not. Fails the test if the request is
   * refused.
   */
  async run(path: string, body: unknown): Promise<Run> {
    const answer = await this.stack.request('POST', path, body);
    expect(answer, `POST ${path}`).toMatchObject({ status: 202 });
    const { run } = z.object({ run: z.looseObject({ id: z.string() }) }).parse(answer.body);
    return until(
      `the run of ${path} ends`,
      async () => {
        const seen = await this.stack.get(Run, `/v1/runs/${run.id}`);
        return isFinal(seen.state) ? seen : undefined;
      },
      120_000,
    );
  }

  /** Sends one request to the gateway. A body that is neither text nor bytes is sent as JSON. */
  async gateway(request: string, body?: unknown, headers: Record<string, string> = {}): Promise<CaseAnswer> {
    const [method = 'GET', path = '/'] = request.split(' ');
    const sent = typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
    const answer = await fetch(`${this.stack.gateway}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.stack.keys.operator}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: sent }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  async end(): Promise<void> {
    await this.stack.end();
    for (const model of this.#models) await model.remove();
  }
}

/** The operations on one model. Those that start a run return it in its final state: succeeded, failed or cancelled. */
export class CaseModel {
  readonly name: string;
  readonly files: TinyModel;
  readonly #ground: CaseGround;

  constructor(ground: CaseGround, name: string, files: TinyModel) {
    this.#ground = ground;
    this.name = name;
    this.files = files;
  }

  /** Changes the local configuration. The next `apply` sends it to the stack. */
  configure(changes: CaseConfiguration): Promise<void> {
    return this.files.configure((configuration) => changed(configuration, changes));
  }

  /** Makes the training script produce this ONNX model. */
  artifact(bytes: Uint8Array): Promise<void> {
    return this.files.code('cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"', { 'model.onnx': bytes });
  }

  /** Runs `perennial apply` with the configuration and the code folder. */
  apply(): Promise<Said> {
    return this.#ground.cli('apply', '-f', this.files.file);
  }

  /** Uploads rows, from a file on disk or from the test, and ingests them through the REST API. */
  async ingest(rows: string | RowsFile): Promise<Run> {
    const { name, content } = typeof rows === 'string' ? { name: basename(rows), content: await readFile(rows) } : rows;
    const bytes = Buffer.from(content);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { api, keys } = this.#ground.stack;
    const headers = { authorization: `Bearer ${keys.operator}`, 'content-type': 'application/octet-stream' };
    const uploaded = await fetch(`${api}/v1/blobs/${sha256}`, { method: 'PUT', headers, body: bytes });
    expect(uploaded.ok, await uploaded.text()).toBe(true);
    const format = extname(name).slice(1);
    return this.#ground.run(`/v1/models/${this.name}/datasets`, { files: [{ name, sha256, format }] });
  }

  /** Returns a dataset version with its profile, by default the newest one. */
  async dataset(version?: number): Promise<DatasetVersion> {
    const path = `/v1/models/${this.name}/datasets`;
    const versions = z.looseObject({ items: z.array(z.looseObject({ number: z.number() })) });
    const number = version ?? (await this.#ground.stack.get(versions, `${path}?limit=1`)).items[0]?.number;
    return this.#ground.stack.get(DatasetVersion, `${path}/${number}`);
  }

  /** Returns the rows of a dataset version as the API writes them, by default in CSV. */
  async rows(version: number, query = 'format=csv'): Promise<string> {
    const { api, keys } = this.#ground.stack;
    const answer = await fetch(`${api}/v1/models/${this.name}/datasets/${version}/rows?${query}`, {
      headers: { authorization: `Bearer ${keys.operator}` },
    });
    expect(answer.status).toBe(200);
    return answer.text();
  }

  build(body: { dataset?: number; asOf?: string; params?: Record<string, unknown> } = {}): Promise<Run> {
    return this.#ground.run(`/v1/models/${this.name}/builds`, body);
  }

  /** Deploys a model version and waits until the gateway serves the model. */
  async deploy(version = 1): Promise<Run> {
    const run = await this.#ground.run(`/v1/models/${this.name}/deployments`, { version });
    if (run.state === 'succeeded')
      await until(
        `${this.name} serves`,
        async () => (await this.#ground.gateway(`GET /v2/models/${this.name}/ready`)).status === 200,
      );
    return run;
  }

  /** Applies, ingests, builds and deploys, and expects each step to succeed. */
  async serve(rows: string | RowsFile): Promise<void> {
    const applied = await this.apply();
    expect(applied.code, applied.stderr).toBe(0);
    outcomeOfRun(await this.ingest(rows));
    expect(outcomeOfRun(await this.build())).toMatchObject({ decision: 'candidate' });
    expect(outcomeOfRun(await this.deploy())).toMatchObject({ decision: 'promoted' });
  }

  /** Sends a request in the Open Inference protocol. */
  infer(body: unknown, headers?: Record<string, string>): Promise<CaseAnswer> {
    return this.#ground.gateway(`POST /v2/models/${this.name}/infer`, body, headers);
  }

  /** Sends a request in MLflow's scoring protocol. */
  invoke(body: unknown, headers?: Record<string, string>): Promise<CaseAnswer> {
    return this.#ground.gateway(`POST /invocations?model=${this.name}`, body, headers);
  }

  /** Sends labels through the REST API. For label files, use `perennial labels send`. */
  labels(body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#ground.stack.request('POST', `/v1/models/${this.name}/labels`, body);
  }

  /** Monitors now and returns the report. Fails the test if the run fails. */
  async monitor(body: { asOf?: string; window?: string } = { window: '1 day' }): Promise<Report> {
    const outcome = outcomeOfRun(await this.#ground.run(`/v1/models/${this.name}/reports`, body));
    if (outcome.kind !== 'monitor') throw new Error(`a run of ${outcome.kind} makes no report`);
    return this.#ground.stack.get(Report, `/v1/models/${this.name}/reports/${outcome.reportId}`);
  }
}

/** Returns the outcome of a successful run. Any other run fails the test with the run's failure as the message. */
export function outcomeOfRun(run: Run): RunOutcome {
  if (run.state === 'succeeded') return run.outcome;
  throw new Error(
    `the ${run.request.kind} run is ${run.state}: ${JSON.stringify('failure' in run ? run.failure : run)}`,
  );
}

function defaultsOf(configuration: ConfigurationInput): ConfigurationInput {
  return {
    ...configuration,
    data: { source: { path: 'rows.csv' }, key: 'id', target: 'y', features: ['x'] },
    build: { holdout: { fraction: 0.1, by: 'id' } },
    deploy: { approval: { votes: 0 }, strategy: { canary: [100], minRequests: 0, bake: '1s' } },
    monitor: { every: '1 day', minRows: 1 },
  };
}

function changed(configuration: ConfigurationInput, changes: CaseConfiguration): ConfigurationInput {
  return {
    ...configuration,
    ...changes,
    data: { ...configuration.data, ...changes.data },
    build: { ...configuration.build, ...changes.build },
    monitor: { ...configuration.monitor, ...changes.monitor },
  };
}
