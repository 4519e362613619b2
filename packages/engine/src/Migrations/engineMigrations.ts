/** The engine's track, in order. A migration that was released is never edited: its change is a new one. */
import type { Migration } from "./trackStatus.ts"
import * as Clock from "./0001_Clock.ts"
import * as ApiKeys from "./0002_ApiKeys.ts"
import * as Identity from "./0003_Identity.ts"
import * as Events from "./0004_Events.ts"
import * as IdentityCuts from "./0005_IdentityCuts.ts"
import * as Erasures from "./0006_Erasures.ts"
import * as Warnings from "./0007_Warnings.ts"
import * as LedgerByAction from "./0008_LedgerByAction.ts"
import * as LedgerRefusals from "./0009_LedgerRefusals.ts"
import * as ConfirmGroup from "./0010_ConfirmGroup.ts"
import * as Endpoints from "./0011_Endpoints.ts"
import * as Deliveries from "./0012_Deliveries.ts"
import * as Analytics from "./0013_Analytics.ts"
import * as ErasureProviders from "./0014_ErasureProviders.ts"
import * as AttemptTimes from "./0015_AttemptTimes.ts"
import * as MessageTraces from "./0016_MessageTraces.ts"

export const engineMigrations: ReadonlyArray<Migration> = [
  { name: "0001_Clock", sql: Clock.sql },
  { name: "0002_ApiKeys", sql: ApiKeys.sql },
  { name: "0003_Identity", sql: Identity.sql },
  { name: "0004_Events", sql: Events.sql },
  { name: "0005_IdentityCuts", sql: IdentityCuts.sql },
  { name: "0006_Erasures", sql: Erasures.sql },
  { name: "0007_Warnings", sql: Warnings.sql },
  { name: "0008_LedgerByAction", sql: LedgerByAction.sql },
  { name: "0009_LedgerRefusals", sql: LedgerRefusals.sql },
  { name: "0010_ConfirmGroup", sql: ConfirmGroup.sql },
  { name: "0011_Endpoints", sql: Endpoints.sql },
  { name: "0012_Deliveries", sql: Deliveries.sql },
  { name: "0013_Analytics", sql: Analytics.sql },
  { name: "0014_ErasureProviders", sql: ErasureProviders.sql },
  { name: "0015_AttemptTimes", sql: AttemptTimes.sql },
  { name: "0016_MessageTraces", sql: MessageTraces.sql }
]
