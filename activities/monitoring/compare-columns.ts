import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { MonitoringReference } from '../../contracts/models/model-version.ts';
import type { DriftResult, QualityResult } from '../../contracts/monitoring/report.ts';
import { isUncounted } from '../measurement/counted-column.ts';
import type { LabelledWindow } from '../measurement/labelled-window.ts';
import { declaredCategories } from '../measurement/reference-kinds.ts';
import type { ImportanceShares } from './arrange-drift.ts';
import { arrangeDrift } from './arrange-drift.ts';
import { countedFeature, countedLabels, countedPrediction } from './counted-window.ts';
import { driftOf } from './drift-of.ts';
import { qualityOf } from './quality-of.ts';

interface Compared {
  readonly drift: DriftResult[];
  readonly quality: QualityResult[];
  /** Features with too many distinct values to be compared. */
  readonly uncounted: string[];
}

/** Compares every feature, the prediction and the target with the reference, one after the other. */
export async function compareColumns(
  served: LabelledWindow,
  reference: MonitoringReference,
  { monitor, data }: Configuration,
  importance: ImportanceShares,
): Promise<Compared> {
  const categories = declaredCategories({ data });
  const features: (DriftResult | null)[] = [];
  const quality: QualityResult[] = [];
  const uncounted: string[] = [];
  for (const feature of reference.features) {
    const counted = await countedFeature(served, feature, monitor.drift);
    const rules = { category: categories.has(feature.name), missing: monitor.quality?.missing };
    features.push(driftOf(feature, counted, 'feature', monitor.drift, rules));
    quality.push(...qualityOf(feature, counted, monitor.quality));
    if (isUncounted(counted)) uncounted.push(feature.name);
  }
  const prediction = await countedPrediction(served, reference.prediction, monitor.drift);
  const columns = {
    features,
    prediction: driftOf(reference.prediction, prediction, 'prediction', monitor.drift),
    target: driftOf(reference.target, countedLabels(served.labels, reference.target), 'target', monitor.drift),
  };
  return { drift: arrangeDrift(columns, monitor.drift, importance), quality, uncounted };
}
