/** What the types of the client say, for `tsc`: nothing here runs. */
import type { EventDraft as CoreEventDraft, OutboundEventName, testEventName } from "@hogsend/core"
import type {
  Contact,
  DeliveryDetails,
  EventInput,
  Hogsend,
  NewerWebhookEvent,
  WebhookEvent,
  WebhookEventOf
} from "@hogsend/client"

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
const holds = <T extends true>(truth: T): T => truth

export const answers = (contact: Contact, { attempts, delivery }: DeliveryDetails) => {
  holds<Same<Contact["createdAt"], string>>(true)
  holds<Same<Contact["email"], string | null>>(true)
  const times: ReadonlyArray<string | null> = [delivery.dueAt, attempts[0]?.startedAt ?? null]
  // @ts-expect-error There is no such field.
  void contact.mail
  return times
}

export const inputs = async ({ contacts, events, webhooks }: Hogsend, user: { readonly id: string | undefined }) => {
  await events.send({ name: "order.placed", userId: "u_1", email: undefined, timestamp: new Date() })
  await events.track({ name: "order.placed", anonymousId: "a_1", timestamp: "2026-11-22T10:00:00Z" })
  await contacts.upsert({ email: "ada@example.com", properties: { plan: null, since: new Date(), tags: ["a"] } })
  // @ts-expect-error Nobody is named.
  await events.send({ name: "order.placed" })
  // @ts-expect-error Perhaps nobody is named.
  await events.send({ name: "order.placed", userId: user.id })
  // @ts-expect-error Nobody is named.
  await contacts.find({})
  // @ts-expect-error Nothing is said to have happened.
  await events.send({ userId: "u_1" })
  // @ts-expect-error An event has eventProperties and contactProperties.
  await events.send({ name: "order.placed", userId: "u_1", properties: { plan: "pro" } })
  // @ts-expect-error JSON has no functions.
  await contacts.upsert({ userId: "u_1", properties: { plan: () => "pro" } })
  // @ts-expect-error There is no event of this name.
  await webhooks.create({ url: "https://example.com", eventTypes: ["contact.create"] })
  holds<Same<EventInput["name"], CoreEventDraft["name"]>>(true)
}

export const events = (event: WebhookEvent): string => {
  if (event.type === "contact.created") holds<Same<typeof event, WebhookEventOf<"contact.created">>>(true)
  switch (event.type) {
    case "contact.updated": {
      // @ts-expect-error It was no merge.
      void event.data.previousKeys
      return event.data.changedProperties.join()
    }
    case "contact.merged":
      return event.data.previousKeys[0]?.userId ?? ""
    case "webhook.test":
      return event.data.message
    case "email.opened":
      return JSON.stringify(event.data["userId"])
    default:
      return event.type
  }
}

/** Whatever the catalogue of this version names is known, and what is left over is newer. */
export const rest = (event: WebhookEvent) => {
  type Known = OutboundEventName | typeof testEventName
  holds<Same<Exclude<WebhookEvent, NewerWebhookEvent>["type"], Known>>(true)
  const { type }: { readonly type: string } = event
  return type
}
