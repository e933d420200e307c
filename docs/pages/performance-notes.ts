/**
 * What the results cannot say themselves, by measure: what a figure means, and where the time goes if a target is
 * missed.
 */
export const performanceNotes: Readonly<Record<string, string>> = {
  serving:
    'The gateway checks the API key, chooses the release, validates each value, runs the model, writes the prediction to its log before it answers, and counts. The floor is the same Fastify with the same body and the same answer, and nothing else. `beside` is an earlier commit of this repository. MLServer serves the same model in two ways: with its scikit-learn runtime and adaptive batching, and as ONNX in a custom runtime; both without its pool of processes. The bar of the load generator alone shows how many requests it can send; it must be far above the others. The floor, which runs no model, is itself only 12 to 18 times MLServer with adaptive batching, so a gateway that is 15 times MLServer would have to cost nothing.',
  'serving-100':
    'Each request has 100 rows. Binary tensors use the extension of the Open Inference Protocol for requests and answers; the floor parses JSON. `beside` is an earlier commit of this repository, which takes JSON only. Rows that the log drops were answered and are counted, but are missing in what monitoring reads.',
  'beside-large':
    'Four connections send single rows one after the other, so that the latency is that of a gateway with room. Beside them, one client sends 10,000 rows at a time, the most that a request may have. Both load generators and the gateway share the machine, so with few cores a part of the difference is theirs: here a thread that reads the large bodies, the process that seals segments, Postgres and two load generators share two cores with the event loop.',
  canary:
    'A canary answers half of the requests, so that rows are batched by model. A shadow computes each row a second time, after the answer.',
  memory:
    'Resident memory after a tenth of the requests is compared with that at the end, each as a median of several readings.',
  rollback:
    'A rollback is timed from the request, a promotion from the vote, each to the first answer that names the other version. Requests arrive at a fixed rate, whether or not earlier ones have been answered.',
  ingestion:
    'The time of a run is that of all its steps, from its start to its commit; the upload before it is not part of it. DuckDB alone reads the same CSV and writes Parquet: it checks no keys, types or expectations, does not sort, and makes no profile. With little data, starting a process for the tables weighs more.',
  drift:
    'The time of a report is that of its run: collecting the log, reading the window, the tests, and the report. The window was served through the gateway and lies in the log as Parquet; Evidently reads both sets from Parquet files. With PSI, the counts come from the summaries of the segments. Tests that compare values read the rows, and so does the estimate of the losses without labels, which reports make by default and Evidently does not; it asks two boosted-tree models about each row. KS p-values, KS statistics and Wasserstein distances are compared with those of SciPy and of Evidently on the same rows.',
  steps:
    'The steps of the pipeline of monitoring are replaced by functions that do nothing; all around them stays. The bare steps run twice: on the queue of their workflow, where Temporal starts an activity without a round trip, and on a queue of their own. Perennial has queues of their own, so that a worker bounds how many steps of each kind it runs; the second ratio is therefore what a step costs beyond Temporal: the proof that the run may ask for it, the answers of earlier steps that it looks up, and one commit that records its end together with the digest of its answer. A step that runs for more than a tenth of a second is also recorded while it runs.',
  build:
    'The script only copies a file, so that nearly all of the time is the platform. Evaluating takes the largest part: to measure the importance of 30 features, the model answers the held-out rows five times for each. Rows are split and stored, and the model is loaded for the first time, in sandboxed processes that were started before; what is left of the time is that of training in its sandbox and of the steps themselves.',
  demo: 'The demo replays eighteen months: each month is served hour by hour through the gateway, labelled, ingested and monitored; one build runs, and its model is promoted if it passes the gates. The time is that of applying, ingesting and rehearsing, without the start of the stack.',
  up: 'A start is timed from the process to the moment at which every part answers. With an empty folder, Postgres is initialised and the database is created first.',
};
