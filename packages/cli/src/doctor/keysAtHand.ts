/** Asks the server about the two keys at hand: whose they are, and what they may do. */
import type { ApiKeySelf } from "@hogsend/client"
import * as Effect from "effect/Effect"
import type { Found } from "../readEnv.ts"
import type { Ask, Foreign, Refused, Unanswered } from "./ask.ts"
import { type Finding, ok, skipped } from "./Check.ts"
import * as Keys from "./keyFindings.ts"
import { refusal } from "./refusal.ts"

/** What was found of the admin key, and what to ask under. */
export interface AdminKey {
  readonly finding: Finding
  /** There when the server knows it, also where it may not do everything. */
  readonly key: string | undefined
  /** Why what needs one cannot be asked, where it is not there. */
  readonly missing: Finding
}

const needsAdminKey = skipped(
  "It needs an admin key.",
  "Set HOGSEND_ADMIN_KEY or ADMIN_API_KEY in the environment or in .env, or pass --admin-key."
)
const needsDataKey = skipped(
  "It needs a key.",
  "Set HOGSEND_DATA_KEY or HOGSEND_API_KEY in the environment or in .env, or pass --data-key."
)
const needsGoodAdminKey = skipped("It needs an admin key that is good, see Admin key.")

export const askAdminKey = (ask: Ask, found: Found | undefined): Effect.Effect<AdminKey> => {
  if (found === undefined) return Effect.succeed({ finding: needsAdminKey, key: undefined, missing: needsAdminKey })
  const without = (finding: Finding): AdminKey => ({ finding, key: undefined, missing: needsGoodAdminKey })
  if (!Keys.canBeSent(found)) return Effect.succeed(without(Keys.unsendable(found)))
  return Effect.match(ask<ApiKeySelf>({ path: "/v1/admin/api-keys/self", key: found.value }, ["name", "scopes"]), {
    onSuccess: ({ value }): AdminKey => ({
      finding: Keys.adminKeyFinding(value, found),
      key: found.value,
      missing: needsGoodAdminKey
    }),
    onFailure: (failure) => without(unlessOfKey(failure, (refused) => Keys.adminKeyRefused(refused, found)))
  })
}

/** `found` is the admin key where there is no other. */
export const askDataKey = (
  ask: Ask,
  found: Found | undefined,
  adminKey: Found | undefined,
  adminFinding: Finding
): Effect.Effect<Finding> => {
  if (found === undefined) return Effect.succeed(needsDataKey)
  if (found.value === adminKey?.value) {
    return Effect.succeed(
      adminFinding.status === "ok"
        ? ok("There is none, so the admin key stands in for it, which may send events, too.")
        : skipped("There is none, and the admin key that would stand in for it is not good, see Admin key.")
    )
  }
  if (!Keys.canBeSent(found)) return Effect.succeed(Keys.unsendable(found))
  // Asks for nobody, under the right that sending takes.
  return Effect.match(ask({ path: "/v1/contacts/find?userId=hogsend-doctor", key: found.value }, []), {
    onSuccess: () => Keys.dataKeyFinding(found),
    onFailure: (failure) => unlessOfKey(failure, (refused) => Keys.dataKeyRefused(refused, found))
  })
}

const unlessOfKey = (failure: Unanswered | Refused | Foreign, ofKey: (refused: Refused) => Finding): Finding =>
  failure._tag === "Refused" && (failure.status === 401 || failure.status === 403) ? ofKey(failure) : refusal(failure)
