import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FailureReason } from './protocols/failure-reason.ts';

const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

interface LabelledGeneration {
  readonly label: Readonly<Record<'project' | 'model' | 'environment', string>>;
  readonly generation: number;
}

export interface GatewayReadings {
  readonly staleSeconds: () => number;
  readonly diskFull: () => boolean;
  readonly logBytes: () => number;
  readonly waitingSegments: () => number;
  readonly generations: () => readonly LabelledGeneration[];
  readonly mismatches: () => readonly LabelledGeneration[];
}

/**
 * Metrics of one slot's requests. They are created once per slot, because looking up labels costs more than counting.
 */
export interface SlotMetrics {
  readonly predicted: (seconds: number) => void;
  readonly answered: () => void;
  readonly failedRows: (rows: number) => void;
}

export interface ModelLabels {
  readonly project: string;
  readonly model: string;
  readonly environment: string;
}

/** Prometheus metrics of the gateway, with the names that KServe and Triton use where those fit. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #predictSeconds = new Histogram({
    name: 'request_predict_seconds',
    help: 'Seconds that a request spent in the model, including the wait for a batch',
    labelNames: ['project', 'model', 'environment', 'version'],
    buckets,
    registers: [this.#registry],
  });
  readonly #success = new Counter({
    name: 'nv_inference_request_success',
    help: 'Answered inference requests',
    labelNames: ['project', 'model', 'environment', 'version'],
    registers: [this.#registry],
  });
  readonly #failure = new Counter({
    name: 'nv_inference_request_failure',
    help: 'Inference requests that were not answered, by reason',
    labelNames: ['project', 'model', 'environment', 'reason'],
    registers: [this.#registry],
  });
  readonly #failedRows = new Counter({
    name: 'perennial_failed_rows_total',
    help: 'Rows for which the model had no finite answer',
    labelNames: ['project', 'model', 'environment', 'version'],
    registers: [this.#registry],
  });
  readonly #dropped = new Counter({
    name: 'perennial_prediction_log_dropped_total',
    help: 'Answered rows that could not be written to the prediction log',
    labelNames: ['project', 'model', 'environment'],
    registers: [this.#registry],
  });

  constructor(readings: GatewayReadings) {
    const registers = [this.#registry];
    new Gauge({
      name: 'perennial_stale_seconds',
      help: 'Seconds since this gateway last read the database',
      registers,
      collect() {
        this.set(readings.staleSeconds());
      },
    });
    new Gauge({
      name: 'perennial_disk_full',
      help: '1 if the disk of the state folder is full, so that predictions are not logged; otherwise 0',
      registers,
      collect() {
        this.set(readings.diskFull() ? 1 : 0);
      },
    });
    new Gauge({
      name: 'perennial_prediction_log_bytes',
      help: 'Bytes of predictions on local disk that are not yet uploaded to the object store',
      registers,
      collect() {
        this.set(readings.logBytes());
      },
    });
    new Gauge({
      name: 'perennial_prediction_log_waiting_segments',
      help: 'Closed segments of the prediction log that wait to be uploaded',
      registers,
      collect() {
        this.set(readings.waitingSegments());
      },
    });
    new Gauge({
      name: 'perennial_generation',
      help: 'The generation that this gateway serves',
      labelNames: ['project', 'model', 'environment'],
      registers,
      collect() {
        this.reset();
        for (const { label, generation } of readings.generations()) this.set(label, generation);
      },
    });
    new Gauge({
      name: 'perennial_ledger_mismatch_generation',
      help: 'The deployed generation that this gateway does not serve because it does not match the ledger; absent if there is none',
      labelNames: ['project', 'model', 'environment'],
      registers,
      collect() {
        this.reset();
        for (const { label, generation } of readings.mismatches()) this.set(label, generation);
      },
    });
  }

  ofSlot(labels: ModelLabels, version: number): SlotMetrics {
    const values = { ...labels, version: String(version) };
    const seconds = this.#predictSeconds.labels(values);
    const success = this.#success.labels(values);
    const failedRows = this.#failedRows.labels(values);
    return {
      predicted: (value) => seconds.observe(value),
      answered: () => success.inc(),
      failedRows: (rows) => failedRows.inc(rows),
    };
  }

  failed(labels: ModelLabels, reason: FailureReason): void {
    this.#failure.labels({ ...labels, reason }).inc();
  }

  dropped(labels: ModelLabels, rows: number): void {
    this.#dropped.labels({ ...labels }).inc(rows);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
