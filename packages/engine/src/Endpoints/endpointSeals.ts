/** What of an endpoint is sealed, each column at its own place, and the sealing again of what lies under an old secret. */
import { TaggedError } from "@hogsend/core"
import type { Properties } from "@hogsend/core"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Place, type SealBroken, Sealing, SealingKeyMissing } from "../Sealing.ts"
import { randomBytes } from "../SyncCrypto.ts"
import { webhookSecret } from "../WebhookSignature.ts"
import type { EndpointsRepo, SealedColumns } from "./EndpointsRepo.ts"

/** The start cannot go on: what some endpoints are kept under cannot be opened. */
export class EndpointsUnreadable extends TaggedError<EndpointsUnreadable>()("EndpointsUnreadable", {
  error: Schema.String
}) {}

const sealedColumns = { config: "config", secret: "secret", previousSecret: "previous_secret" } as const
type SealedColumn = keyof typeof sealedColumns

const placeOf = (row: string, column: SealedColumn): Place => ({
  purpose: "endpoints",
  table: "endpoints",
  row,
  column: sealedColumns[column]
})

export const makeEndpointSeals = (sealing: Sealing["Service"]) => {
  const seal = (id: string, column: SealedColumn, text: string): string =>
    sealing.seal(new TextEncoder().encode(text), placeOf(id, column))

  const open = (
    id: string,
    column: SealedColumn,
    sealed: string
  ): Effect.Effect<string, SealBroken | SealingKeyMissing> =>
    Effect.map(sealing.open(sealed, placeOf(id, column)), (bytes) => new TextDecoder().decode(bytes))

  const resealed = (row: SealedColumns, column: SealedColumn) => {
    const sealed = row[column]
    return sealed === null || sealing.isCurrent(sealed)
      ? Effect.succeed(sealed)
      : Effect.map(open(row.id, column, sealed), (text) => seal(row.id, column, text))
  }

  return {
    seal,
    open,
    sealConfig: (id: string, config: Properties | null) => ({
      config: config === null ? null : seal(id, "config", JSON.stringify(config)),
      configNames: config === null ? null : Object.keys(config)
    }),
    openConfig: (id: string, sealed: string | null) =>
      sealed === null ? Effect.succeed({}) : Effect.flatMap(open(id, "config", sealed), decodeConfig),
    /** A new signing secret: as it is shown once, and as it is kept. */
    mintSecret: (id: string) => {
      const secret = webhookSecret(randomBytes(32))
      return { secret, sealed: seal(id, "secret", secret), secretPrefix: secret.slice(0, 12) }
    },
    /** Seals again what lies under an old secret: all of it or, when something cannot be opened, nothing. */
    resealAll: Effect.fnUntraced(function* (
      repo: EndpointsRepo
    ): Effect.fn.Return<void, EndpointsUnreadable | SqlError> {
      const broken: Array<Unreadable> = []
      for (const row of yield* repo.sealed) {
        const next = yield* Effect.result(
          Effect.all({
            id: Effect.succeed(row.id),
            config: resealed(row, "config"),
            secret: resealed(row, "secret"),
            previousSecret: resealed(row, "previousSecret")
          })
        )
        if (next._tag === "Failure") broken.push({ id: row.id, failure: next.failure })
        else if (isChanged(row, next.success)) yield* repo.reseal(next.success)
      }
      if (broken.length > 0) return yield* new EndpointsUnreadable({ error: unreadable(broken) })
    })
  }
}

export type EndpointSeals = ReturnType<typeof makeEndpointSeals>

const isChanged = (before: SealedColumns, after: SealedColumns): boolean =>
  before.config !== after.config || before.secret !== after.secret || before.previousSecret !== after.previousSecret

const Config = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

/** What we have sealed ourselves. */
const decodeConfig = (text: string): Effect.Effect<Properties> => Effect.orDie(Schema.decodeUnknownEffect(Config)(text))

interface Unreadable {
  readonly id: string
  readonly failure: SealBroken | SealingKeyMissing
}

const unreadable = (broken: ReadonlyArray<Unreadable>): string => {
  const lost = broken.filter(({ failure }) => failure._tag === "SealingKeyMissing").length
  const secretsOf = (count: number) => `the secrets of ${count} ${count === 1 ? "endpoint" : "endpoints"}`
  const why =
    lost > 0
      ? `BETTER_AUTH_SECRET was changed, and the old one was not kept: ${secretsOf(lost)} are sealed under it. Put the old secret into BETTER_AUTH_SECRETS_PREVIOUS and start again.`
      : `${secretsOf(broken.length)} in hogsend.endpoints are damaged and cannot be read. Restore the table from a backup and start again.`
  return `${why} ${withoutThem(broken.map(({ id }) => id))}`
}

const withoutThem = (ids: ReadonlyArray<string>) =>
  `If they are lost for good: update hogsend.endpoints set disabled_at = hogsend.now(), disabled_reason = 'Its secrets were lost.', config = null, config_names = null, secret = null, secret_prefix = null, previous_secret = null, previous_secret_until = null where id in (${ids.map((id) => `'${id}'`).join(", ")}); then start, and of each rotate the secret, set the config and enable it`
