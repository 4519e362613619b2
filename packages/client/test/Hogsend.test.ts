/** The client against a real server. */
import { expect, layer } from "@effect/vitest"
import { Hogsend, HogsendAPIError } from "@hogsend/client"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"

const connected = Effect.gen(function* () {
  const { secret, url } = yield* TestHogsend
  return new Hogsend({ baseUrl: url, apiKey: secret })
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("The client", (it) => {
  it.effect("an event makes a contact, who is found, updated and erased", () =>
    Effect.gen(function* () {
      const hogsend = yield* connected
      yield* Effect.promise(async () => {
        expect(
          await hogsend.events.send({ name: "signed_up", userId: "u_1", contactProperties: { plan: "free" } })
        ).toMatchObject({ stored: true, contactKey: "u_1", contactKeyKind: "external" })
        expect(
          await hogsend.contacts.upsert({ userId: "u_1", email: "ada@example.com", properties: { plan: "pro" } })
        ).toMatchObject({ created: false, linked: true })
        const [found] = await hogsend.contacts.find({ email: "ada@example.com" })
        expect(found).toMatchObject({ externalId: "u_1", properties: { plan: "pro" } })
        expect(await hogsend.contacts.delete({ userId: "u_1" })).toMatchObject({
          deleted: true,
          erasure: { contactId: found?.id, status: "done" }
        })
        expect(await hogsend.contacts.find({ userId: "u_1" })).toEqual([])
      })
    })
  )

  it.effect("many events have a result each in their order, in as many requests as it takes, and are stored once", () =>
    Effect.gen(function* () {
      const hogsend = yield* connected
      yield* Effect.promise(async () => {
        const events = Array.from({ length: 1001 }, (_, at) => ({ name: "imported", userId: `many_${at}` }))
        const spoilt = [...events.slice(0, 700), { ...events[700], name: "" }, ...events.slice(701)] as typeof events
        const first = await hogsend.events.sendBatch(spoilt, { idempotencyKey: "import-1" })
        expect(first.map(({ contactKey }) => contactKey)).toEqual(
          events.map(({ userId }, at) => (at === 700 ? undefined : userId))
        )
        expect(first[700]).toMatchObject({ status: "rejected", error: { _tag: "RequestInvalid" } })
        // What was mended in its place is new, and everything else is known.
        const second = await hogsend.events.sendBatch(events, { idempotencyKey: "import-1" })
        expect(second.map(({ status }) => status)).toEqual(events.map((_, at) => (at === 700 ? "stored" : "duplicate")))
        expect(await hogsend.events.sendBatch([])).toEqual([])
      })
    })
  )

  it.effect("an event under a key of its own is stored once, and without one each time", () =>
    Effect.gen(function* () {
      const hogsend = yield* connected
      yield* Effect.promise(async () => {
        const event = { name: "paid", userId: "u_keys" }
        const send = async (idempotencyKey?: string) => (await hogsend.events.send({ ...event, idempotencyKey })).stored
        expect([await send("paid-1 ✓"), await send("paid-1 ✓"), await send(), await send()]).toEqual([
          true,
          false,
          true,
          true
        ])
      })
    })
  )

  it.effect("what the server refuses is an error with its tag and its fields", () =>
    Effect.gen(function* () {
      const hogsend = yield* connected
      const { url } = yield* TestHogsend
      yield* Effect.promise(async () => {
        await expect(hogsend.contacts.upsert({} as never)).rejects.toMatchObject({
          status: 400,
          tag: "IdentityMissing"
        })
        await expect(hogsend.contacts.delete({ userId: "nobody" })).rejects.toMatchObject({
          status: 404,
          tag: "ContactNotFound",
          requestId: expect.stringMatching(/./)
        })
        await expect(hogsend.events.send({ userId: "u_1", name: "x", value: "1" } as never)).rejects.toMatchObject({
          tag: "RequestInvalid",
          issues: [{ path: ["payload", "value"] }]
        })
        const big = { userId: "u_1", name: "x", eventProperties: { text: "x".repeat(33_000) } }
        await expect(hogsend.events.send(big)).rejects.toMatchObject({ status: 413, tag: "BodyTooLarge" })
        const stranger = new Hogsend({ baseUrl: url, apiKey: "hsk_nobody" })
        await expect(stranger.contacts.find({ userId: "u_1" })).rejects.toBeInstanceOf(HogsendAPIError)
        await expect(stranger.contacts.find({ userId: "u_1" })).rejects.toMatchObject({ status: 401 })
      })
    })
  )

  it.effect("an operator explains, merges and splits", () =>
    Effect.gen(function* () {
      const { contacts, identity } = yield* connected
      yield* Effect.promise(async () => {
        await contacts.upsert({ userId: "op_1" })
        await contacts.upsert({ userId: "op_2", email: "op@example.com" })
        const merge = { survivor: "external:op_1", absorbed: "external:op_2" }
        expect(await identity.merge({ ...merge, dryRun: true })).toMatchObject({ dryRun: true })
        const { absorbed } = await identity.merge(merge)
        expect(await identity.explain("email:op@example.com")).toMatchObject({ contact: { contactKey: "op_1" } })
        expect(await identity.split({ contact: "external:op_1", keys: [`contact:${absorbed?.id}`] })).toMatchObject({
          splitOff: { id: absorbed?.id, restored: true }
        })
      })
    })
  )

  it.effect("an operator makes, changes and deletes endpoints, and looks at what is delivered to them", () =>
    Effect.gen(function* () {
      const { contacts, deadLetters, deliveries, webhooks } = yield* connected
      yield* Effect.promise(async () => {
        const created = await webhooks.create({ url: "https://example.com/hook", eventTypes: ["contact.created"] })
        expect(created).toMatchObject({ kind: "webhook", secret: expect.stringMatching(/^whsec_/) })
        const { id } = created
        expect(await webhooks.update(id, { description: "ours" })).toMatchObject({ id, description: "ours" })
        expect(await webhooks.get(id)).toMatchObject({ eventTypes: ["contact.created"], description: "ours" })
        const rotated = await webhooks.rotateSecret(id)
        expect(rotated.secret).not.toBe(created.secret)
        expect(rotated.previousSecretUntil).not.toBeNull()
        expect(await webhooks.rotateSecret(id, { graceSeconds: 0 })).toMatchObject({ previousSecretUntil: null })

        const person = await contacts.upsert({ userId: "delivered_1" })
        expect(await webhooks.sendTest(id)).toEqual({ enqueued: true, eventType: "webhook.test" })
        const page = await deliveries.list(id, { limit: 10, since: new Date(0) })
        expect(page).toMatchObject({ total: 2, limit: 10, offset: 0 })
        const [delivery] = (await deliveries.list(id, { contactId: person.id ?? "" })).deliveries
        const deliveryId = delivery?.id ?? ""
        expect(delivery).toMatchObject({ eventType: "contact.created", status: "pending" })
        expect(await deliveries.get(id, deliveryId)).toMatchObject({ delivery: { id: deliveryId }, attempts: [] })
        expect(await deliveries.retry(id, deliveryId)).toMatchObject({ id: deliveryId, status: "pending" })
        expect(await deadLetters.list({ endpointId: id })).toMatchObject({ items: [], total: 0 })
        expect(await deadLetters.discard(deliveryId)).toMatchObject({ id: deliveryId, status: "discarded" })
        await expect(deadLetters.retry(deliveryId)).rejects.toMatchObject({ tag: "DeliveryNotDead" })
        expect(await deliveries.replay(id, { missingOnly: true, dryRun: true })).toMatchObject({ dryRun: true })

        await webhooks.update(id, { disabled: true })
        expect((await webhooks.list()).endpoints.map((endpoint) => endpoint.id)).toContain(id)
        expect(await webhooks.list({ includeDisabled: false })).toMatchObject({ endpoints: [] })
        expect(await webhooks.delete(id)).toEqual({ deleted: true })
        await expect(webhooks.get(id)).rejects.toMatchObject({ tag: "EndpointNotFound" })
      })
    })
  )
})
