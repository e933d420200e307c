export interface LoadRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The path of a file with the body. */
  readonly bodyFile: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadReport {
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx, and connections that failed. */
  readonly failed: number;
}

/** A process that sends the same request again and again over a fixed number of connections. */
export interface LoadGenerator {
  readonly name: string;
  readonly version: string;
  send(request: LoadRequest, signal: AbortSignal): Promise<LoadReport>;
}
