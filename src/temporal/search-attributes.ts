import type { NativeConnection } from "@temporalio/worker";
import proto from "@temporalio/proto";
import { searchAttributes } from "../../workflows/search-attributes.ts";

const { IndexedValueType } = proto.temporal.api.enums.v1;

/** Name and type of every search attribute, for servers that take them at start. */
export const searchAttributeTypes = Object.values(searchAttributes).map(({ name, type }) => ({ name, type }));

/**
 * Makes sure that the namespace knows our search attributes, before a workflow that sets one gets stuck. Throws an error
 * with the commands to run when the server does not let us add them.
 */
export async function ensureSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = searchAttributeTypes.filter(({ name }) => !(name in known.customAttributes));
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedType(type)])),
    });
  } catch (error) {
    const commands = missing.map(
      ({ name, type }) =>
        `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${titled(type)}`,
    );
    throw new Error(`namespace ${namespace} lacks search attributes; run:\n  ${commands.join("\n  ")}`, {
      cause: error,
    });
  }
}

function indexedType(type: string): number {
  switch (type) {
    case "DOUBLE":
      return IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE;
    case "INT":
      return IndexedValueType.INDEXED_VALUE_TYPE_INT;
    case "DATETIME":
      return IndexedValueType.INDEXED_VALUE_TYPE_DATETIME;
    default:
      return IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  }
}

function titled(type: string): string {
  return type.charAt(0) + type.slice(1).toLowerCase();
}
