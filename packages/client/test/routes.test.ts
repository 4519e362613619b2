/**
 * Every method of the client against core's `Api`: its route, its verb and what it can send. A field or a route that joins the
 * `Api` makes this file fail until the client has it, or a list below says why not.
 */
import { describe, expect, it } from "@effect/vitest"
import { Api } from "@hogsend/core"
import {
  type ApiKeyDraft,
  type ApiKeyPatch,
  type ContactUpsert,
  type DeadLetterQuery,
  type DeliveryQuery,
  type EventDraft,
  Hogsend,
  type IdentityMerge,
  type IdentitySplit,
  type PersonKeys,
  type Replay,
  type WebhookEndpointDraft,
  type WebhookEndpointPatch,
  type WebhookQuery
} from "@hogsend/client"
import { Exit, Schema } from "effect"
import { HttpApi } from "effect/http-api"

/** With every field that the types know. */
type Whole<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> }

const id = "0198d5c8-4ad5-7000-8000-000000000000"
const deliveryId = "0198d5c8-4ad5-7000-8000-000000000001"
const at = new Date("2026-11-22T10:00:00.000Z")

const keys: Whole<PersonKeys> = { userId: "u_1", email: "ada@example.com", anonymousId: "a_1" }
const writing = { ...keys, emailVerified: true, restore: false }
const contact: Whole<ContactUpsert> = { ...writing, properties: { plan: "pro" }, timezone: "Europe/Berlin" }
const event: Whole<EventDraft> = {
  ...writing,
  name: "order.placed",
  eventProperties: { items: [1, null, { a: true }] },
  contactProperties: { plan: "pro" },
  value: 49.9,
  currency: "EUR",
  groups: { company: "acme" },
  timestamp: at,
  idempotencyKey: "order-1"
}
const keyPatch: Whole<ApiKeyPatch> = {
  name: "shop",
  scopes: ["ingest-public"],
  allowedOrigins: ["https://shop.example.com"]
}
const keyDraft: Whole<ApiKeyDraft> = { ...keyPatch, publishable: true, expiresAt: at }
const merge: Whole<IdentityMerge> = { survivor: "external:u_1", absorbed: "external:u_2", dryRun: true }
const split: Whole<IdentitySplit> = { contact: "external:u_1", keys: ["email:ada@example.com"], dryRun: true }
const patch: Whole<WebhookEndpointPatch> = {
  url: "https://example.com/hook",
  eventTypes: ["contact.created"],
  description: "ours",
  disabled: false,
  kind: "webhook",
  ordering: "none",
  config: { token: "t" }
}
const draft: Whole<WebhookEndpointDraft> = patch
const page = { limit: 10, offset: 20 }
const webhookQuery: Whole<WebhookQuery> = { ...page, includeDisabled: false }
const filter = { contactId: id, since: at, until: at }
const deliveryQuery: Whole<DeliveryQuery> = { ...page, ...filter, status: "dead", eventType: "contact.created" }
const deadLetterQuery: Whole<DeadLetterQuery> = { ...page, ...filter, endpointId: id, eventType: "contact.created" }
const replay: Whole<Replay> = {
  ...filter,
  messageIds: [`msg_${id}`],
  eventTypes: ["contact.created"],
  missingOnly: true,
  dryRun: true
}

/** The method of each route, called with everything that it can be given. */
const methods: Readonly<Record<string, (hogsend: Hogsend) => Promise<unknown>>> = {
  "apiKeys.self": ({ apiKeys }) => apiKeys.self(),
  "apiKeys.list": ({ apiKeys }) => apiKeys.list({ ...page, includeRevoked: true }),
  "apiKeys.get": ({ apiKeys }) => apiKeys.get(id),
  "apiKeys.mint": ({ apiKeys }) => apiKeys.create(keyDraft),
  "apiKeys.edit": ({ apiKeys }) => apiKeys.update(id, keyPatch),
  "apiKeys.revoke": ({ apiKeys }) => apiKeys.revoke(id),
  "apiKeys.rotate": ({ apiKeys }) => apiKeys.rotate(id, { graceSeconds: 60 }),
  "adminContacts.list": ({ contacts }) => contacts.list({ ...page, search: "ada" }),
  "adminContacts.get": ({ contacts }) => contacts.get(id),
  "adminContacts.export": ({ contacts }) => contacts.export(id),
  "adminContacts.erase": ({ contacts }) => contacts.erase(id),
  "adminEvents.list": ({ events }) => events.list({ ...page, name: "order.placed", contactId: id }),
  "adminEvents.names": ({ events }) => events.names(),
  "contacts.upsert": ({ contacts }) => contacts.upsert(contact),
  "contacts.find": ({ contacts }) => contacts.find(keys),
  "contacts.erase": ({ contacts }) => contacts.delete(keys),
  "events.ingest": ({ events }) => events.send(event),
  "events.ingestBatch": ({ events }) => events.sendBatch([event], { idempotencyKey: "import-1" }),
  "identity.explain": ({ identity }) => identity.explain("external:u_1"),
  "identity.merge": ({ identity }) => identity.merge(merge),
  "identity.split": ({ identity }) => identity.split(split),
  "webhooks.create": ({ webhooks }) => webhooks.create(draft),
  "webhooks.list": ({ webhooks }) => webhooks.list(webhookQuery),
  "webhooks.get": ({ webhooks }) => webhooks.get(id),
  "webhooks.edit": ({ webhooks }) => webhooks.update(id, patch),
  "webhooks.delete": ({ webhooks }) => webhooks.delete(id),
  "webhooks.rotateSecret": ({ webhooks }) => webhooks.rotateSecret(id, { graceSeconds: 60 }),
  "deliveries.list": ({ deliveries }) => deliveries.list(id, deliveryQuery),
  "deliveries.get": ({ deliveries }) => deliveries.get(id, deliveryId),
  "deliveries.retry": ({ deliveries }) => deliveries.retry(id, deliveryId),
  "deliveries.replay": ({ deliveries }) => deliveries.replay(id, replay),
  "deliveries.test": ({ webhooks }) => webhooks.sendTest(id),
  "deadLetters.list": ({ deadLetters }) => deadLetters.list(deadLetterQuery),
  "deadLetters.retry": ({ deadLetters }) => deadLetters.retry(deliveryId),
  "deadLetters.discard": ({ deadLetters }) => deadLetters.discard(deliveryId)
}

/** Routes of these groups without a method: for browsers, and for an operator who looks into things. */
const withoutMethod = ["contacts.me", "identity.cuts", "identity.liftCut", "identity.ledger"]

/** Fields without a place in the types: for browsers, for what is easily meant and is none, and what is not served yet. */
const withoutField: Readonly<Record<string, ReadonlyArray<string>>> = {
  "contacts.upsert": ["lists", "source", "userToken"],
  "events.ingest": ["lists", "properties", "source", "userToken"],
  "events.ingestBatch": ["userToken"]
}

const fieldsOf = (schema: Schema.Top): ReadonlyArray<string> => {
  const { ast } = Schema.toEncoded(schema)
  return ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)) : []
}

interface Route {
  readonly method: string
  readonly path: string
  readonly query: Schema.Top | undefined
  readonly payloads: ReadonlyArray<Schema.Top>
}

const noRoute: Route = { method: "no", path: "route", query: undefined, payloads: [] }

const routes = new Map<string, Route>()
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group }) => {
    const { method, path, payload, query } = endpoint
    const payloads = [...payload.values()].flatMap(({ schemas }): ReadonlyArray<Schema.Top> => schemas)
    routes.set(`${group.identifier}.${endpoint.identifier}`, { method, path, query, payloads })
  }
})

/** What the method sends. */
const sentBy = async (call: (hogsend: Hogsend) => Promise<unknown>) => {
  const sent: Array<{ readonly url: URL; readonly method: string; readonly body: string | undefined }> = []
  const fetch: typeof globalThis.fetch = async (input, { body, method = "GET" } = {}) => {
    sent.push({ url: new URL(String(input)), method, body: body as string | undefined })
    throw new Error("nobody is there")
  }
  await call(new Hogsend({ baseUrl: "http://hogsend.example", apiKey: "hsk_1", fetch, maxRetries: 0 })).catch(() => {})
  expect(sent).toHaveLength(1)
  return sent[0] as (typeof sent)[number]
}

/** As the server reads it, and with nothing that it does not know. */
const accepts = (schema: Schema.Top, value: unknown) =>
  Exit.isSuccess(Schema.decodeUnknownExit(Schema.toCodecJson(schema as Schema.Codec<unknown>))(value, strict))

const strict = { onExcessProperty: "error" } as const

describe("The client", () => {
  it("has a method for every route of its groups", () => {
    const groups = new Set(Object.keys(methods).map((name) => name.split(".")[0]))
    const there = [...routes.keys()].filter((name) => groups.has(name.split(".")[0]))
    expect([...Object.keys(methods), ...withoutMethod].toSorted()).toEqual(there.toSorted())
  })

  for (const [name, call] of Object.entries(methods)) {
    it(`${name} is asked as the Api declares it, with all that it takes`, async () => {
      const { body, method, url } = await sentBy(call)
      const route = routes.get(name) ?? noRoute
      const own = name.startsWith("deadLetters") ? deliveryId : id
      expect(`${method} ${url.pathname}`).toBe(
        `${route.method} ${route.path.replace(":id", own).replace(":deliveryId", deliveryId)}`
      )

      const left = withoutField[name] ?? []
      const isServed = (field: string) => !left.includes(field)
      const query = Object.fromEntries(url.searchParams)
      const parameters = route.query === undefined ? [] : fieldsOf(route.query)
      expect(Object.keys(query).toSorted()).toEqual(parameters.filter(isServed).toSorted())
      expect(route.query === undefined || accepts(route.query, query)).toBe(true)

      const payload: unknown = body === undefined ? null : JSON.parse(body)
      const fields = route.payloads.flatMap(fieldsOf).filter(isServed)
      expect(Object.keys(payload ?? {}).toSorted()).toEqual(fields.toSorted())
      expect(route.payloads.length === 0 || route.payloads.some((schema) => accepts(schema, payload))).toBe(true)
    })
  }
})
