import type { Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { searchAttributes } from '../../contracts/runs/workflows.ts';
import { grpcStatus, grpcStatusOf } from './grpc-failures.ts';

/** INDEXED_VALUE_TYPE_KEYWORD of temporal.api.enums.v1, which the SDK does not export by name. */
const keyword = 2;

const modelKey = defineSearchAttributeKey(searchAttributes.model, SearchAttributeType.KEYWORD);

export function modelAttribute(model: string): TypedSearchAttributes {
  return new TypedSearchAttributes([{ key: modelKey, value: model }]);
}

/** Adds the search attributes that the namespace lacks. Several processes may do so at once. */
export async function registerSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const absent = Object.values(searchAttributes).filter((name) => !Object.hasOwn(customAttributes, name));
  if (absent.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(absent.map((name) => [name, keyword])),
    });
  } catch (caught) {
    if (grpcStatusOf(caught) !== grpcStatus.alreadyExists) throw caught;
  }
}
