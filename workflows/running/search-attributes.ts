import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { searchAttributes } from '../../contracts/runs/workflows.ts';

const model = defineSearchAttributeKey(searchAttributes.model, SearchAttributeType.KEYWORD);
const trigger = defineSearchAttributeKey(searchAttributes.trigger, SearchAttributeType.KEYWORD);
const release = defineSearchAttributeKey(searchAttributes.release, SearchAttributeType.KEYWORD);

export function pipelineAttributes(modelName: string, because: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: model, value: modelName },
    { key: trigger, value: because.slice(0, 200) },
  ]);
}

/** Adds the release's digest to the deployment's search attributes, so that the deployment can be found by it. */
export function tellRelease(digest: Sha256): void {
  upsertSearchAttributes([{ key: release, value: digest }]);
}
