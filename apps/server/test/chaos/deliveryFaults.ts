/**
 * What a receiver saw, held against what was told: a list of sentences, empty when every promise of the queue was kept.
 *
 * Each message reaches each endpoint, signed, and whatever comes again comes under the same id with the same bytes. Where an
 * order is asked for, a contact's next message comes when the one before was taken, and none comes again after the next did.
 */
import { createHmac } from "node:crypto"
import type { Happening } from "./makeReceiver.ts"

export interface Endpoint {
  readonly path: string
  readonly secret: string
  readonly ordered: boolean
}

export interface Message {
  readonly id: string
  readonly body: string
}

interface Told {
  readonly data: { readonly userId: string; readonly properties: { readonly revision: number } }
}

/** Whose it is, and which of theirs, from 1. */
const contentOf = (body: string) => {
  const { data } = JSON.parse(body) as Told
  return { person: data.userId, revision: data.properties.revision }
}

const signed = ({ body, id, timestamp }: Happening, secret: string) =>
  `v1,${createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64"))
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64")}`

const contentFaults = (log: ReadonlyArray<Happening>, { path, secret }: Endpoint, told: ReadonlyMap<string, Message>) =>
  log.flatMap((happening) => {
    const { body, id, signature } = happening
    const message = told.get(id)
    return [
      ...(message === undefined ? [`${path} got ${id}, which nobody told`] : []),
      ...(message !== undefined && message.body !== body ? [`${path} got ${id} with another body: ${body}`] : []),
      ...(signature === signed(happening, secret) ? [] : [`${path} got ${id} with the signature ${signature}`])
    ]
  })

const orderFaults = (log: ReadonlyArray<Happening>, { path }: Endpoint) => {
  const taken = new Map<string, number>()
  return log.flatMap(({ body, id, what }) => {
    const { person, revision } = contentOf(body)
    const last = taken.get(person) ?? 0
    if (what === "taken") taken.set(person, Math.max(last, revision))
    return what === "taken" || revision === last || revision === last + 1
      ? []
      : [`${path} got ${person}'s ${revision} (${id}) when it had taken their ${last}`]
  })
}

export const deliveryFaults = (
  log: ReadonlyArray<Happening>,
  endpoints: ReadonlyArray<Endpoint>,
  messages: ReadonlyArray<Message>
): ReadonlyArray<string> => {
  const told = new Map(messages.map((message) => [message.id, message]))
  const contents = new Set(messages.map(({ body }) => Object.values(contentOf(body)).join(" ")))
  return [
    ...(contents.size === messages.length ? [] : [`${messages.length} messages tell ${contents.size} changes`]),
    ...endpoints.flatMap((endpoint) => {
      const mine = log.filter((happening) => happening.endpoint === endpoint.path)
      const taken = new Set(mine.filter(({ what }) => what === "taken").map(({ id }) => id))
      return [
        ...messages.filter(({ id }) => !taken.has(id)).map(({ id }) => `${endpoint.path} has not taken ${id}`),
        ...contentFaults(mine, endpoint, told),
        ...(endpoint.ordered ? orderFaults(mine, endpoint) : [])
      ]
    })
  ]
}
