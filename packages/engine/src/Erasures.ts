/**
 * Erasures: a person leaves, at once or after some days, with everything that is kept of them and names them.
 *
 * Either way nobody finds them from the first moment on, and what was sent before and arrives late does not start them
 * again (`Tombstones`). What is left is a receipt of ids, times and counts, and the audit log's row. Those that wait are
 * erased in the background, by the database's clock, by any number of processes; until then an operator can cancel.
 */
import { PgClient } from "@effect/sql-pg"
import {
  AnalyticsProvider,
  type Caller,
  type ContactId,
  type ContactNotFound,
  type DatabaseUnavailable,
  Erasure,
  ErasureEnded,
  type ErasureId,
  ErasureNotFound,
  type ErasureStatus,
  type IdentityMissing,
  type KeysDisagree,
  KeysTaken,
  type Page
} from "@hogsend/core"
import { Context, Effect, Layer, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { assertedKeys, type ContactKeys } from "./assertedKeys.ts"
import { type Actor, AuditLogs } from "./AuditLogs.ts"
import { asTask, oneRow, orUnavailable, untilStill } from "./Database.ts"
import { type Done, type ErasureRow, makeErasuresRepo, type NamedKey, type Owner } from "./Erasures/ErasuresRepo.ts"
import { makeEraseDue } from "./Erasures/eraseDue.ts"
import { type Holder, lockHolder } from "./Erasures/lockHolder.ts"
import { providerReceipt } from "./Erasures/providerReceipt.ts"
import { deleteHolder, hideHolder, strangersOf } from "./Erasures/removeHolder.ts"
import { contactEvents, IdentityResolver } from "./IdentityResolver.ts"
import { OutboundMessages } from "./OutboundMessages.ts"
import { Tombstones } from "./Tombstones.ts"

export interface ErasuresOptions {
  /** Days that a contact waits for its erasure when the key that deleted it does not open `erase`. 7. */
  readonly softDays?: number
  /** How often those that are due are erased, in milliseconds. A minute. */
  readonly interval?: number
}

/** Erases people with everything that is kept of them, at once or after some days. */
export class Erasures extends Context.Service<
  Erasures,
  {
    /** Erases whoever holds the keys: at once under a key that opens `erase`, else after `softDays`. */
    readonly eraseByKeys: (
      keys: ContactKeys,
      caller: Pick<Caller["Service"], "name" | "keyId" | "scopes">
    ) => Effect.Effect<Erasure, IdentityMissing | ContactNotFound | KeysDisagree | DatabaseUnavailable>
    /** At once, by id, also of a contact that waits for its erasure. */
    readonly erase: (id: ContactId, actor: Actor) => Effect.Effect<Erasure, ContactNotFound | DatabaseUnavailable>
    readonly get: (id: ErasureId) => Effect.Effect<Erasure, ErasureNotFound | DatabaseUnavailable>
    /** Newest first; of one status when it is given. */
    readonly list: (
      page: Page,
      status: ErasureStatus | undefined
    ) => Effect.Effect<{ readonly erasures: ReadonlyArray<Erasure>; readonly total: number }, DatabaseUnavailable>
    /** The contact is there again, as it was. */
    readonly cancel: (
      id: ErasureId,
      actor: Actor
    ) => Effect.Effect<Erasure, ErasureNotFound | ErasureEnded | KeysTaken | DatabaseUnavailable>
    /** Erases those that are due, now, and answers how many. It also runs by itself. */
    readonly eraseDue: Effect.Effect<number, DatabaseUnavailable>
  }
>()("engine/Erasures") {
  static readonly layer = ({ interval = 60_000, softDays = 7 }: ErasuresOptions = {}) =>
    Layer.effect(
      Erasures,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = makeErasuresRepo(sql)
        const tombstones = yield* Tombstones
        const parts = {
          repo,
          tombstones,
          resolver: yield* IdentityResolver,
          outbound: yield* OutboundMessages,
          provider: yield* AnalyticsProvider
        }
        const audit = yield* AuditLogs
        const transact = untilStill(sql)

        const deleteNow = Effect.fnUntraced(function* (holder: Holder, actor: Actor) {
          const { contactId, keyIds } = holder
          const [waiting] = contactId === null ? [] : yield* repo.lockPending(contactId)
          const done = yield* deleteHolder(parts, holder, waiting !== undefined)
          yield* audit.record({ actor, action: "contacts.erase", resourceId: contactId ?? keyIds[0] ?? null })
          const row =
            waiting === undefined
              ? yield* repo.insertDone(contactId, actor, done)
              : yield* repo.finish(waiting.id, done)
          return { ...row, distinctIds: done.distinctIds }
        })

        const deleteLater = Effect.fnUntraced(function* (
          holder: Holder & { readonly contactId: string },
          actor: Actor
        ) {
          const [waiting] = yield* repo.lockPending(holder.contactId)
          // It was asked for before, by a retry's first try for instance, and waits as it did.
          if (waiting !== undefined) return yield* Effect.flatMap(repo.find(waiting.id), oneRow)
          const distinctIds = yield* hideHolder(parts, holder, softDays)
          yield* audit.record({ actor, action: "contacts.soft-delete", resourceId: holder.contactId })
          return { ...(yield* repo.insertPending(holder.contactId, actor, softDays)), distinctIds }
        })

        const eraseNow = (owners: Owners, actor: Actor) =>
          transact(Effect.flatMap(lockHolder(repo, owners), (holder) => deleteNow(holder, actor)))

        const eraseLater = (owners: Owners, actor: Actor) =>
          transact(
            Effect.flatMap(lockHolder(repo, owners), ({ contactId, ...holder }) =>
              // Of somebody who was only observed there is no contact to take back.
              contactId === null
                ? deleteNow({ ...holder, contactId }, actor)
                : deleteLater({ ...holder, contactId }, actor)
            )
          )

        /** Who waits for their erasure is found by the keys that they had, as long as nobody has these again. */
        const ownersEver = (keys: ReadonlyArray<NamedKey>) =>
          Effect.flatMap(repo.owners(keys), (found) =>
            found.length > 0 ? Effect.succeed(found) : repo.formerOwners(keys)
          )

        const eraseByKeys: Erasures["Service"]["eraseByKeys"] = Effect.fn("Erasures.eraseByKeys")(
          function* (keys, caller) {
            const asserted = yield* Effect.fromResult(assertedKeys(keys))
            const atOnce = caller.scopes.includes("erase") || caller.scopes.includes("full-admin")
            return receipt(yield* (atOnce ? eraseNow : eraseLater)(ownersEver(asserted), caller))
          },
          orUnavailable,
          asTask
        )

        const erase = Effect.fn("Erasures.erase")(
          (id: ContactId, actor: Actor) =>
            eraseNow(repo.ownerById(id), actor).pipe(Effect.catchTag("KeysDisagree", Effect.die), Effect.map(receipt)),
          orUnavailable,
          asTask
        )

        const get = Effect.fn("Erasures.get")(function* (id: ErasureId) {
          const [row] = yield* repo.find(id)
          return row === undefined ? yield* notFound : receipt(row)
        }, orUnavailable)

        const list = Effect.fn("Erasures.list")(
          (page: Page, status: ErasureStatus | undefined) =>
            Effect.all({
              erasures: Effect.map(repo.list(page, status), (rows) => rows.map(receipt)),
              total: repo.count(status)
            }),
          orUnavailable
        )

        const takeBack = Effect.fnUntraced(function* (id: ErasureId, actor: Actor) {
          const [erasure] = yield* repo.find(id)
          if (erasure === undefined) return yield* notFound
          const { contactId } = erasure
          if (contactId === null) return yield* ended
          const line = yield* repo.lockLine(contactId)
          const [waiting] = yield* repo.lockPending(contactId)
          if (waiting?.id !== id) return yield* ended
          const keys = yield* repo.lockKeys((yield* repo.keysOf(contactId)).map((key) => key.id))
          yield* Effect.catchIf(repo.show(contactId), isUniqueViolation, () => keysTaken)
          const { outbound, resolver } = parts
          yield* outbound.tell(contactEvents({ before: [], after: [yield* resolver.portray(contactId)] }))
          yield* outbound.resume([...line.map((contact) => contact.id), ...strangersOf(tombstones, keys)])
          yield* resolver.tellMerges(contactId)
          yield* tombstones.lift(keys.flatMap(({ former }) => former ?? []))
          yield* audit.record({ actor, action: "erasures.cancel", resourceId: id })
          return yield* repo.cancel(id)
        })

        const cancel = Effect.fn("Erasures.cancel")(
          (id: ErasureId, actor: Actor) => Effect.map(transact(takeBack(id, actor)), receipt),
          orUnavailable
        )

        const eraseDue = makeEraseDue(repo, transact, deleteNow).pipe(
          Effect.tap(orUnavailable(repo.noteDeleted)),
          asTask,
          Effect.withSpan("Erasures.eraseDue")
        )

        yield* Effect.sleep(interval).pipe(
          Effect.andThen(Effect.catchCause(eraseDue, (cause) => Effect.logWarning("Erasures failed", cause))),
          Effect.repeat(Schedule.forever),
          Effect.forkScoped
        )
        return Erasures.of({ eraseByKeys, erase, get, list, cancel, eraseDue })
      })
    )
}

type Owners = Effect.Effect<ReadonlyArray<Owner>, SqlError>

/** What the database keeps, and what only the answer to the request says. */
type Receipt = ErasureRow & Partial<Pick<Done, "distinctIds">>

const receipt = ({ deliveryId, distinctIds = null, outcome, ...row }: Receipt): Erasure =>
  new Erasure({ ...row, provider: providerReceipt(row.status, { outcome, deliveryId }, distinctIds) })

const isUniqueViolation = (error: SqlError): boolean => error.reason._tag === "UniqueViolation"

const notFound = new ErasureNotFound({ error: "Erasure not found. No erasure has this id." })

const ended = new ErasureEnded({
  error: "This erasure is not pending: it is done or was cancelled, and cannot be cancelled any more."
})

const keysTaken = new KeysTaken({
  error:
    "A key of this contact is somebody's again, so the erasure cannot be cancelled. Nothing was changed; erase whoever holds it, or let the erasure go on."
})
