/**
 * Endpoints: where outbound events go. Creating, editing, deleting them, rotating their secrets, and opening one for a
 * delivery; delivering is `DestinationQueue`'s.
 *
 * Secrets and configs are kept sealed and shown by no answer, but a new secret by the one that makes it. Every change is
 * audited in its transaction, and is in force here at once and in other processes when their memory of it ends. What is not
 * opened by the secrets of this start stops it. The analytics provider's is made by the configuration, and only disabled and
 * enabled here.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type DatabaseUnavailable,
  type EgressDenied,
  Endpoint,
  EndpointCreated,
  endpointDisabledBy,
  type EndpointDraft,
  EndpointId,
  EndpointInvalid,
  EndpointLimitReached,
  EndpointNotFound,
  type EndpointPatch,
  type Page,
  type Properties,
  SecretRotated
} from "@hogsend/core"
import { Context, Effect, Layer, Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Actor, AuditLogs, boot } from "./AuditLogs.ts"
import { asTask, oneRow, orUnavailable } from "./Database.ts"
import { analyticsKind, Destinations, signedKind } from "./Destinations.ts"
import { Egress } from "./Egress.ts"
import { holdsMask, maskConfig, unmaskConfig } from "./Endpoints/endpointConfig.ts"
import { type EndpointRow, type EndpointSettings, makeEndpointsRepo } from "./Endpoints/EndpointsRepo.ts"
import { EndpointsUnreadable, makeEndpointSeals } from "./Endpoints/endpointSeals.ts"
import { type EndpointSealed, makeOpenedEndpoints, type OpenedEndpoint } from "./Endpoints/openedEndpoints.ts"
import { makeSeeding, type SeededEndpoint } from "./Endpoints/seeding.ts"
import { newId } from "./newId.ts"
import { Sealing } from "./Sealing.ts"

export { EndpointsUnreadable } from "./Endpoints/endpointSeals.ts"
export type { SeededEndpoint } from "./Endpoints/seeding.ts"
export type { EndpointSealed, OpenedEndpoint } from "./Endpoints/openedEndpoints.ts"

export interface EndpointsOptions {
  /** How many there may be, disabled ones included, and those of the configuration left out. 50. */
  readonly maxEndpoints?: number
  /** How long a rotated secret signs beside the new one, in seconds. A day. */
  readonly secretGraceSeconds?: number
  /** How long `find` remembers an endpoint, in milliseconds: so late are other processes. 1000. */
  readonly cacheTtl?: number
}

/** Where outbound events go: creates, edits, deletes endpoints and rotates their secrets. */
export class Endpoints extends Context.Service<
  Endpoints,
  {
    readonly create: (
      draft: EndpointDraft,
      actor: Actor
    ) => Effect.Effect<EndpointCreated, EndpointInvalid | EgressDenied | EndpointLimitReached | DatabaseUnavailable>
    readonly get: (id: EndpointId) => Effect.Effect<Endpoint, EndpointNotFound | DatabaseUnavailable>
    /** Newest first. */
    readonly list: (
      page: Page,
      includeDisabled: boolean
    ) => Effect.Effect<{ readonly endpoints: ReadonlyArray<Endpoint>; readonly total: number }, DatabaseUnavailable>
    /** An absent field stays as it is. */
    readonly edit: (
      id: EndpointId,
      patch: EndpointPatch,
      actor: Actor
    ) => Effect.Effect<Endpoint, EndpointNotFound | EndpointInvalid | EgressDenied | DatabaseUnavailable>
    /** With its deliveries. */
    readonly delete: (
      id: EndpointId,
      actor: Actor
    ) => Effect.Effect<void, EndpointNotFound | EndpointInvalid | DatabaseUnavailable>
    /** The old secret signs for `graceSeconds` more; one that was in its grace ends. */
    readonly rotateSecret: (
      id: EndpointId,
      graceSeconds: number | undefined,
      actor: Actor
    ) => Effect.Effect<SecretRotated, EndpointNotFound | EndpointInvalid | DatabaseUnavailable>
    /** For a delivery, from a short memory; null when it was deleted. Not for within a transaction. */
    readonly find: (id: string) => Effect.Effect<OpenedEndpoint | null, EndpointSealed | DatabaseUnavailable>
    /**
     * By the server itself, in the caller's transaction. Null when it was disabled before, is gone, has another URL now, or is
     * the analytics provider's, which is the operator's alone to disable.
     */
    readonly disable: (id: string, reason: string, url?: string) => Effect.Effect<Endpoint | null, SqlError>
    /**
     * Makes the one endpoint of this seed that the configuration asks for, whoever starts at the same time, or brings it up to
     * date: what it is to be may depend on what it is. One that `retire` disabled is enabled.
     */
    readonly keep: (
      seed: string,
      wanted: (was: SeededEndpoint | null) => SeededEndpoint
    ) => Effect.Effect<void, DatabaseUnavailable>
    /** Disables the endpoint of this seed, if it is there: the configuration does not ask for it any more. */
    readonly retire: (seed: string) => Effect.Effect<void, DatabaseUnavailable>
  }
>()("engine/Endpoints") {
  static readonly layer = ({
    cacheTtl = 1000,
    maxEndpoints = 50,
    secretGraceSeconds = 86_400
  }: EndpointsOptions = {}): Layer.Layer<
    Endpoints,
    EndpointsUnreadable | DatabaseUnavailable,
    PgClient.PgClient | AuditLogs | Destinations | Egress | Sealing
  > =>
    Layer.effect(
      Endpoints,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = makeEndpointsRepo(sql)
        const audit = yield* AuditLogs
        const destinations = yield* Destinations
        const egress = yield* Egress
        const seals = makeEndpointSeals(yield* Sealing)
        yield* orUnavailable(sql.withTransaction(seals.resealAll(repo)))

        const opened = yield* makeOpenedEndpoints(repo, seals, { capacity: maxEndpoints + seeds, ttl: cacheTtl })

        /** Written down, and forgotten by `find`, when the transaction of the change is committed. */
        const changed = (id: string, action: `webhooks.${string}`, actor: Actor) =>
          Effect.andThen(audit.record({ actor, action, resourceId: id }), sql.afterCommit(opened.forget(id)))

        /** What an endpoint must be, whoever set it so. */
        const check = (settings: EndpointSettings, config: Properties | null) =>
          Effect.fromResult(destinations.check({ ...settings, config: config ?? {} }))

        const configOf = ({ config, id }: EndpointRow) => Effect.orDie(seals.openConfig(id, config))

        const create = Effect.fn("Endpoints.create")(function* (draft: EndpointDraft, actor: Actor) {
          const id = newId()
          const kind = draft.kind ?? signedKind
          const config = yield* unmasked(draft.config ?? null, Effect.succeed({}))
          const settings = {
            kind,
            url: draft.url ?? null,
            description: draft.description ?? null,
            eventTypes: [...new Set(draft.eventTypes)],
            ordering: draft.ordering ?? "none",
            ...seals.sealConfig(id, config)
          }
          yield* check(settings, config)
          // Asks the network, so before anything is locked.
          if (settings.url !== null) yield* egress.check(settings.url)
          const minted = kind === signedKind ? seals.mintSecret(id) : null
          const row = yield* Effect.gen(function* () {
            yield* repo.lockAll
            const { total } = yield* Effect.flatMap(repo.countLimited, oneRow)
            if (total >= maxEndpoints) return yield* new EndpointLimitReached({ error: limitReached(maxEndpoints) })
            const rows = yield* repo.insert({
              ...settings,
              id,
              secret: minted?.sealed ?? null,
              secretPrefix: minted?.secretPrefix ?? null,
              disabledReason: draft.disabled === true ? endpointDisabledBy.operator : null
            })
            yield* changed(id, "webhooks.create", actor)
            return yield* oneRow(rows)
          }).pipe(sql.withTransaction, orUnavailable)
          return new EndpointCreated({ ...shown(row), ...(minted === null ? {} : { secret: minted.secret }) })
        })

        const edit = Effect.fn("Endpoints.edit")(function* (id: EndpointId, patch: EndpointPatch, actor: Actor) {
          if (typeof patch.url === "string") yield* egress.check(patch.url)
          return yield* Effect.gen(function* () {
            const row = yield* Effect.flatMap(repo.find(id, "for no key update"), first)
            if (Object.keys(patch).some((name) => name !== "disabled")) yield* refuseProviders(row)
            const config = patch.config === undefined ? undefined : yield* unmasked(patch.config, configOf(row))
            const settings: EndpointSettings = {
              kind: patch.kind ?? row.kind,
              url: patch.url === undefined ? row.url : patch.url,
              description: patch.description === undefined ? row.description : patch.description,
              eventTypes: patch.eventTypes === undefined ? row.eventTypes : [...new Set(patch.eventTypes)],
              ordering: patch.ordering ?? row.ordering,
              ...(config === undefined
                ? { config: row.config, configNames: row.configNames }
                : seals.sealConfig(id, config))
            }
            // Of a kind that only another process knows something else can still be changed, disabling above all.
            if ([patch.kind, patch.eventTypes, patch.url, patch.config].some((given) => given !== undefined)) {
              yield* check(settings, config === undefined ? yield* configOf(row) : config)
            }
            if (settings.kind === signedKind && row.secret === null) {
              return yield* new EndpointInvalid({ error: secretMissing })
            }
            yield* repo.update(id, settings)
            if (patch.disabled === true) yield* repo.disable(id, endpointDisabledBy.operator)
            if (patch.disabled === false) yield* repo.enable(id)
            yield* changed(id, "webhooks.edit", actor)
            return shown(yield* Effect.flatMap(repo.find(id), oneRow))
          }).pipe(sql.withTransaction, orUnavailable)
        })

        const remove = Effect.fn("Endpoints.delete")(
          function* (id: EndpointId, actor: Actor) {
            yield* refuseProviders(yield* Effect.flatMap(repo.find(id), first))
            // Whoever tells something waits for a row that is being deleted, but for none that is disabled.
            yield* Effect.gen(function* () {
              if ((yield* repo.condemn(id, beingDeleted)).length > 0) yield* changed(id, "webhooks.delete", actor)
            }).pipe(sql.withTransaction)
            while ((yield* repo.deleteDeliveries(id, deletedAtOnce)).length === deletedAtOnce);
            const deleted = yield* repo.delete(id)
            yield* opened.forget(id)
            if (deleted.length === 0) return yield* notFound
          },
          orUnavailable,
          asTask
        )

        const rotateSecret = Effect.fn("Endpoints.rotateSecret")(
          function* (id: EndpointId, graceSeconds: number | undefined, actor: Actor) {
            const grace = graceSeconds ?? secretGraceSeconds
            const row = yield* Effect.flatMap(repo.find(id, "for no key update"), first)
            yield* refuseProviders(row)
            const { sealed, secret, secretPrefix } = seals.mintSecret(id)
            const previousSecret =
              row.secret === null
                ? null
                : seals.seal(id, "previousSecret", yield* Effect.orDie(seals.open(id, "secret", row.secret)))
            const rotated = yield* Effect.flatMap(
              repo.rotate(id, { secret: sealed, secretPrefix, previousSecret, graceSeconds: grace }),
              oneRow
            )
            yield* changed(id, "webhooks.rotate-secret", actor)
            return new SecretRotated({
              id,
              secret,
              secretPrefix,
              previousSecretUntil: rotated.previousSecretUntil
            })
          },
          sql.withTransaction,
          orUnavailable
        )

        const disable = Effect.fnUntraced(function* (id: string, reason: string, url?: string) {
          const [found] = yield* repo.find(id, "for no key update")
          const [row] = found === undefined || found.kind === analyticsKind ? [] : yield* repo.disable(id, reason, url)
          if (row === undefined) return null
          yield* changed(id, "webhooks.disable", boot)
          return shown(row)
        })

        const { keep, retire } = makeSeeding(sql, repo, seals, (id, action) => changed(id, action, boot))

        const get = Effect.fn("Endpoints.get")(
          (id: EndpointId) => Effect.map(Effect.flatMap(repo.find(id), first), shown),
          orUnavailable
        )

        const list = Effect.fn("Endpoints.list")(function* (page: Page, includeDisabled: boolean) {
          const rows = yield* repo.list(page, includeDisabled)
          const { total } = yield* Effect.flatMap(repo.count(includeDisabled), oneRow)
          return { endpoints: rows.map(shown), total }
        }, orUnavailable)

        return Endpoints.of({
          create,
          get,
          list,
          edit,
          delete: remove,
          rotateSecret,
          find: opened.find,
          disable,
          keep,
          retire
        })
      })
    )
}

/** A config as it is meant, with what is masked taken from the stored one. */
const unmasked = (given: Properties | null, stored: Effect.Effect<Properties>) =>
  given === null || !holdsMask(given)
    ? Effect.succeed(given)
    : Effect.flatMap(stored, (bag) =>
        Effect.fromResult(
          Result.mapError(unmaskConfig(given, bag), (name) => new EndpointInvalid({ error: nothingMasked(name) }))
        )
      )

const shown = ({ configNames, ...row }: EndpointRow) =>
  new Endpoint({
    ...row,
    id: EndpointId.make(row.id),
    config: configNames === null ? null : maskConfig(configNames),
    status: row.disabledAt === null ? "enabled" : "disabled"
  })

const first = <A>(rows: ReadonlyArray<A>): Effect.Effect<A, EndpointNotFound> =>
  rows[0] === undefined ? Effect.fail(notFound) : Effect.succeed(rows[0])

const notFound = new EndpointNotFound({ error: "Webhook endpoint not found." })

/** Fails when the configuration alone says what the endpoint is. */
export const refuseProviders = ({ kind }: { readonly kind: string }): Effect.Effect<void, EndpointInvalid> =>
  kind === analyticsKind ? Effect.fail(new EndpointInvalid({ error: byConfiguration })) : Effect.void

const byConfiguration =
  "This endpoint stands for the analytics provider: the configuration makes it what it is. It can be disabled and enabled, and nothing else."

/** How many endpoints the configuration may make. */
const seeds = 2

const beingDeleted = "It is being deleted. If it is still here, the deleting was cut short: delete it again."

/** Deliveries, with their attempts. */
const deletedAtOnce = 1000

const secretMissing =
  "This endpoint has no signing secret yet, and one that an edit made would never be shown. Ask for one with rotate-secret, then change the kind."

const limitReached = (max: number) => `There are ${max} endpoints, and more there may not be. Delete one first.`

const nothingMasked = (name: string) =>
  `The config holds "***" as ${name}, which stands for a value that is kept; none is kept under this name. Send the value itself.`
