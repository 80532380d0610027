import { approvalRecordSchema, type ApprovalRecord } from "../src/domain/approval-schema.ts";
import type { HashedObject } from "../src/domain/decision-record-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument, readDocument, writeOnce } from "./documents.ts";
import type { ApprovalActivities } from "./comparison-interfaces.ts";

export function createApprovalActivities({ store }: Pick<Ports, "store">): ApprovalActivities {
  return {
    async readApproval({ cycle, decision }) {
      const stored = await readDocument(store, objectKeys.approval(cycle), approvalRecordSchema);
      return stored === null ? null : ofDecision(stored.value, decision);
    },

    async recordApproval({ cycle, decision: { key, sha256 }, ...answer }) {
      const decision = { key, sha256 };
      const record: ApprovalRecord = { format: 1, cycle, decision, ...answer };
      if (await writeOnce(store, objectKeys.approval(cycle), record)) return record;
      return ofDecision(await storedApproval(store, cycle), decision);
    },
  };
}

function storedApproval(store: ObjectStore, cycle: string): Promise<ApprovalRecord> {
  return needDocument(store, objectKeys.approval(cycle), approvalRecordSchema);
}

/** What somebody agreed to is that record and no other. */
function ofDecision(approval: ApprovalRecord, { key, sha256 }: HashedObject): ApprovalRecord {
  if (approval.decision.sha256 === sha256) return approval;
  throw new TypedFailure(
    "InvalidInput",
    `${objectKeys.approval(approval.cycle)} answers for another record than ${key} is now: raise repeat`,
  );
}
