/**
 * The whole loop for a test: the real server with the real posthog-node, a PostHog over real HTTP, and its webhooks back to us.
 *
 * There are two: the one that `provision-loop` makes, and one that somebody made by hand without its filter, so that what we
 * sent comes back, too, and what a user does comes twice. Between them and the server is a way that may lose answers.
 */
import { PgClient } from "@effect/sql-pg"
import { type OutboundEvent, OutboundMessages, posthog as posthogSource } from "@hogsend/engine"
import { createPostHogProvider } from "@hogsend/plugin-posthog"
import { TestDatabase, TestHogsend, TestPostHog } from "@hogsend/testing"
import { Context, Effect, Layer, Redacted, Schedule, type Scope } from "effect"
import { createServer } from "node:http"

const secret = "a-secret-of-the-webhook"
const publicUrl = "https://hogsend.example"

/** What becomes of a request: it is answered, or its answer gets lost after the server has done what it asked. */
export type Passage = "answered" | "answer lost"
/** Of the nth request. */
type Decide = (n: number) => Passage

/** What somebody's browser tells PostHog. */
export interface Browsing {
  readonly distinctId: string
  readonly event?: string
  readonly identified?: boolean
  readonly properties?: object
  readonly timestamp?: string
}

const make = Effect.gen(function* () {
  const { asServer, url } = yield* TestHogsend
  const posthog = yield* TestPostHog
  const sql = yield* PgClient.PgClient

  const provisioned = yield* asServer("POST", "/v1/admin/analytics/provision-loop")
  const { hogFunctionId } = provisioned.body
  const made = posthog.hogFunctions.get(hogFunctionId)

  // The public name leads nowhere in a test.
  const way = yield* wayTo(url)
  const inputs = { ...made?.inputs, url: { value: `${way.url}/v1/webhooks/posthog` } }
  posthog.hogFunctions.change(hogFunctionId, { inputs })
  const value = { "Content-Type": "application/json", "x-posthog-webhook-secret": secret, "x-by-hand": "yes" }
  posthog.hogFunctions.create({
    type: "destination",
    template_id: "template-webhook",
    name: "By hand",
    enabled: true,
    inputs: { ...inputs, headers: { value } }
  })

  return {
    /** How the webhook was made, and what it was then. */
    provisioned: { answer: provisioned, hogFunction: made as unknown },
    way,
    /** As posthog-js sends it; answers what was sent. */
    browse: ({ distinctId, event = "$pageview", identified = false, properties, timestamp }: Browsing) =>
      Effect.promise(async () => {
        const sent = {
          uuid: crypto.randomUUID(),
          event,
          distinct_id: distinctId,
          timestamp: timestamp ?? new Date().toISOString(),
          properties: { ...properties, $lib: "web", ...(identified ? { $is_identified: true } : {}) }
        }
        const body = JSON.stringify({ api_key: posthog.apiKey, ...sent })
        await fetch(`${posthog.captureHost}/e/`, { method: "POST", body })
        return sent
      }),
    /** Everything that was told has arrived at PostHog. */
    told: sql<{ left: number }>`
      select count(*)::int as left from hogsend.deliveries where status <> 'delivered'`.pipe(
      Effect.repeat({ until: ([row]) => row?.left === 0, schedule: Schedule.spaced("10 millis") })
    ),
    /** Waits for so many of the host app's best-effort captures. */
    captured: (event: string, count: number) =>
      posthog.until(() => posthog.store.events().filter((one) => one.event === event).length === count),
    /** Contacts, but for when they were seen; the keys that they hold; what was ever done to them. */
    people: Effect.all({
      contacts: sql<{
        row: object
      }>`select to_jsonb(t) - array['first_seen_at', 'last_seen_at', 'updated_at'] as row from hogsend.contacts t order by id`,
      keys: sql<{
        row: object
      }>`select to_jsonb(t) as row from hogsend.identity_keys t where contact_id is not null order by id`,
      ledger: sql<{ row: object }>`select to_jsonb(t) as row from hogsend.identity_ledger t order by id`
    }),
    /** What the world was told, ever. */
    messages: sql<{ id: string; type: string }>`select id, type from hogsend.outbound_messages order by id`,
    /** What came back, in the order of its arrival. */
    returned: sql<{
      uuid: string
      name: string
      contactId: string | null
      kind: string
      value: string
      vouchedBy: string
      at: string
    }>`
      select idempotency_key as uuid, name, contact_id as "contactId", kind, k.value, vouched_by as "vouchedBy",
        to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
      from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id where e.source = 'posthog' order by e.id`,
    /** All others. */
    own: sql<{ row: object }>`select to_jsonb(t) as row from hogsend.events t where source <> 'posthog' order by id`
  }
})

/** Counts as PostHog's network: hands requests to the server, and may lose its answers. */
const wayTo = (
  target: string
): Effect.Effect<{ readonly url: string; readonly passes: (decide: Decide) => void }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly passes: (decide: Decide) => void; readonly close: () => void }>(
      (resume) => {
        let decide: Decide = () => "answered"
        let count = 0
        const server = createServer(async (request, response) => {
          const passage = decide(count++)
          const body = Buffer.concat(await request.toArray())
          const { connection: _, "content-length": __, host: ___, ...headers } = request.headers
          const answer = await fetch(`${target}${request.url}`, {
            method: request.method ?? "POST",
            headers: headers as Record<string, string>,
            body
          })
          const text = await answer.text()
          response.writeHead(passage === "answered" ? answer.status : 504).end(text)
        }).listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(
            Effect.succeed({
              url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
              passes: (next: Decide) => {
                decide = next
              },
              close: () => {
                server.closeAllConnections()
                server.close()
              }
            })
          )
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

const server = Layer.unwrap(
  Effect.gen(function* () {
    const { apiHost, apiKey, captureHost, personalApiKey } = yield* TestPostHog
    const provider = createPostHogProvider({
      apiKey,
      host: captureHost,
      privateHost: apiHost,
      personalApiKey,
      flushAt: 1
    })
    return TestHogsend.connectedLayer({
      analytics: { provider },
      analyticsLoop: { publicUrl, webhookSecret: Redacted.make(secret) },
      webhookSources: { sources: [posthogSource({ secret, personProperties: ["mood", "credit"] })] },
      posthogDestination: { apiKey, host: captureHost },
      contacts: { serverOnlyProperties: ["credit"], serverOnlyEvents: ["order_paid"] },
      destinationQueue: { slots: 64, interval: 20 }
    })
  })
)

export class Loop extends Context.Service<Loop, Effect.Success<typeof make>>()("test/Loop") {
  /** With the server's services, and what it needs. */
  static readonly layer = Layer.effect(Loop, make).pipe(
    Layer.provideMerge(server),
    Layer.provideMerge(Layer.mergeAll(TestPostHog.layer(), TestDatabase.layer))
  )
}

/** An event of the catalog as the destination `posthog` is told it. Nothing sends emails yet. */
export const emailSent = (contactId: string, userId: string) =>
  Effect.flatMap(OutboundMessages, ({ tell }) => {
    const data = { contactId, userId, contactKeyKind: "external", emailId: crypto.randomUUID() }
    return tell([{ type: "email.sent", contactId, data } as unknown as OutboundEvent])
  })
