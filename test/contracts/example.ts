/** The perennial.yaml of its reference page, with nearly every key. */
export const exampleFile = `\
schemaVersion: 1
name: bike-demand                 # [a-z0-9-]{1,63}
task: regression                  # regression | binary | multiclass
owner: demand-team
data:
  source: { path: hour.csv }      # path | glob (uploaded by the command line) | url | s3 | postgres: { connection, query }
  mode: append                    # append | upsert | snapshot
  timestamp: "CAST(dteday AS TIMESTAMP) + to_hours(hr)"   # a column, or one scalar DuckDB expression over the columns
  timezone: America/New_York      # for naive timestamps
  key: instant
  target: cnt
  features: [season, mnth, hr, holiday, weekday, workingday, weathersit, temp, atemp, hum, windspeed]
  window: 6 months                # what a build reads, back from asOf
  expectations:
    - { column: cnt, min: 0, severity: error }
    - { column: hum, min: 0, max: 1, severity: warn }
    - { column: hr, min: 0, max: 23, severity: error }
code:
  path: train                     # a folder (uploaded by the command line), or git: { url, ref, path } over https or ssh
  command: [python, train.py]
  environment: requirements.lock  # with hashes; one without is resolved once, and the result kept in the CodeVersion
  network: false
  validation: false               # true: the holdout's features are handed to the script
build:
  seed: 0
  params: { max_iter: 200 }
  timeout: 30m
  resources: { queue: train, memory: 2GiB }
  holdout: { last: 14 days }      # or { fraction: 0.2, by: key }: a keyed hash, never the seed
  refit: false                    # true: train again on the holdout too; a version of its own that cites the evaluated one
  metric: rmse
  confidence: 0.9                 # of the intervals; bootstrap by blocks of:
  block: 1 day
  gates:
    - { metric: rmse, max: 150 }
    - { metric: rmse, versus: champion, minGain: 0, confidence: 0.5, onInconclusive: refuse }
    - { metric: rmse, slice: workingday, minRows: 48, max: 200 }
deploy:
  environment: production
  approval: { votes: 1, roles: [approver], requesterMayVote: false, expires: 72h }
  strategy: { canary: [10, 50, 100], bake: 5m, minRequests: 50, onInsufficient: extend, abortOn: { errorRate: 0.01 } }
  routingKey: parameters.user     # canary by hash of it; else random per request
serve:
  log: { sample: 1.0, onFull: drop-counted }   # or refuse
monitor:
  every: 1h
  window: 1 month
  reference: training             # training | previous | year-ago (falls back to training, and says so)
  minRows: 200
  drift: { numeric: psi, categorical: psi, threshold: 0.2, exclude: [season, mnth], minFeatures: 1 }
  performance: { metric: rmse, max: 100 }
  notify: []                      # named connections
retrain:
  schedule: "0 3 1 * *"
  on: [drift, performance, new-data]
  debounce: 10m
  cooldown: 24h
  budget: 30 per month
retention: { predictions: 400 days, rejectedVersions: 90 days }
`;
