/** What is delivered: envelopes of a contact that was created, as the engine writes them, with a body that no two share. */
import { randomUUID } from "node:crypto"

export interface Envelope {
  /** Of the message, without the `msg_` that a receiver sees. */
  readonly id: string
  readonly contactId: string
  /** To the byte. */
  readonly body: string
}

/** So many of them. */
export const envelopes = (count: number): ReadonlyArray<Envelope> =>
  Array.from({ length: count }, (_, n) => {
    const [id, contactId] = [randomUUID(), randomUUID()]
    const data = {
      id: contactId,
      externalId: `user_${n}`,
      email: `user_${n}@example.com`,
      properties: { plan: "pro", seats: 5, company: "Example & Sons", signedUpFrom: "https://www.example.com/spring" },
      timezone: "Europe/Vienna",
      firstSeenAt: "2026-11-22T10:00:00.000Z",
      lastSeenAt: "2026-11-22T10:00:00.000Z",
      userId: `user_${n}`,
      contactKeyKind: "external",
      contactId
    }
    const envelope = { id: `msg_${id}`, type: "contact.created", timestamp: "2026-11-22T10:00:00.000Z", data }
    return { id, contactId, body: JSON.stringify(envelope) }
  })
