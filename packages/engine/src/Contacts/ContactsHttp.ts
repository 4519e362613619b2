/** The handlers of `/v1/contacts` and `/v1/admin/contacts`. */
import { Api, Caller, type Erasure, pageOf } from "@hogsend/core"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import { Contacts } from "../Contacts.ts"
import { Erasures } from "../Erasures.ts"
import { carriedTokens } from "../Principals.ts"
import { sha256Hex } from "../SyncCrypto.ts"

export const ContactsHttp = HttpApiBuilder.group(
  Api,
  "contacts",
  Effect.fnUntraced(function* (handlers) {
    const contacts = yield* Contacts
    const erasures = yield* Erasures
    return handlers.handleAll({
      upsert: ({ headers, payload, query }) =>
        Effect.flatMap(Caller, (caller) =>
          contacts.upsert(caller, payload, {
            userTokens: carriedTokens(headers, query),
            device: headers["x-hogsend-device"]
          })
        ),
      me: Effect.fnUntraced(function* ({ headers, query }) {
        const body = yield* contacts.me(yield* Caller, {
          ...query,
          userTokens: carriedTokens(headers, query),
          device: headers["x-hogsend-device"]
        })
        const etag = `"${sha256Hex(JSON.stringify(body)).slice(0, 32)}"`
        const known = headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? []
        return known.includes(etag) || known.includes("*")
          ? HttpServerResponse.empty({ status: 304, headers: { etag } })
          : HttpApiSchema.withHeaders({ body, headers: { etag } })
      }),
      find: ({ query }) => Effect.map(contacts.find(query), (found) => ({ contacts: found })),
      erase: ({ payload }) =>
        Effect.flatMap(Caller, (caller) => Effect.map(erasures.eraseByKeys(payload, caller), deleted))
    })
  })
)

export const AdminContactsHttp = HttpApiBuilder.group(
  Api,
  "adminContacts",
  Effect.fnUntraced(function* (handlers) {
    const contacts = yield* Contacts
    const erasures = yield* Erasures
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(contacts.list(pageOf(query), query.search), (found) => ({ ...found, ...pageOf(query) })),
      get: ({ params }) => Effect.map(contacts.get(params.id), (contact) => ({ contact })),
      export: ({ params }) =>
        Effect.map(contacts.export(params.id), (document) =>
          HttpServerResponse.stream(document, { contentType: "application/json" })
        ),
      erase: ({ params }) => Effect.flatMap(Caller, (actor) => Effect.map(erasures.erase(params.id, actor), deleted))
    })
  })
)

const deleted = (erasure: Erasure) => ({ deleted: true as const, erasure })
