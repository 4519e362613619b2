/**
 * Many senders at work on a server, and what they were answered.
 *
 * A sender waits for each answer before its next request, and stops when there is none: only its last request can be one
 * of which nobody knows whether it counts. A 503 is no answer in that sense; every answer but 202 and 503 is a fault.
 */
import { Effect } from "effect"
import type { Draft, Request, Sender } from "./makeSender.ts"

export interface Item {
  readonly stored: boolean
  readonly contactKey: string
}

/** What a request was answered, with an item for each of its events that was. */
export interface Reply {
  readonly _tag: "Answered" | "Unanswered" | "Wrong"
  readonly items: ReadonlyArray<Item | undefined>
  readonly why: string
}

const unanswered = (why: string): Reply => ({ _tag: "Unanswered", items: [], why })
const wrong = (why: string): Reply => ({ _tag: "Wrong", items: [], why })

/** A request, with its first answer as long as there was one. */
export interface Sent {
  readonly request: Request
  reply: Reply
}

export interface Target {
  readonly address: string
  readonly key: string
}

const bodyOf = ({ drafts, route }: Request): { body: unknown; headers: Record<string, string> } => {
  const [first] = drafts
  if (route === "/v1/events/batch" || first === undefined) return { body: { events: drafts }, headers: {} }
  const { idempotencyKey, ...body } = first
  return { body, headers: { "idempotency-key": idempotencyKey } }
}

interface Result {
  readonly status: "stored" | "duplicate" | "rejected"
  readonly contactKey: string
  readonly error?: { readonly _tag: string; readonly error: string }
}

const read = ({ drafts, route }: Request, status: number, text: string): Reply => {
  const why = `${status} ${text.slice(0, 300)}`
  if (status === 503) return unanswered(why)
  if (status !== 202) return wrong(why)
  const body = JSON.parse(text)
  if (route === "/v1/events") return { _tag: "Answered", items: [body], why }
  const results: ReadonlyArray<Result> = body.results
  if (results.length !== drafts.length) return wrong(`202 with ${results.length} results for ${drafts.length} events`)
  const rejected = results.flatMap(({ error }, at) => (error === undefined ? [] : [{ error, at }]))
  const items = results.map(({ contactKey, status }) =>
    status === "rejected" ? undefined : { contactKey, stored: status === "stored" }
  )
  if (rejected.length === 0) return { _tag: "Answered", items, why }
  const isUnavailable = rejected.every(({ error }) => ["DatabaseUnavailable", "Overloaded"].includes(error._tag))
  const said = rejected
    .slice(0, 3)
    .map(({ at, error }) => `${drafts[at]?.idempotencyKey}: ${error._tag}, ${error.error}`)
  return {
    _tag: isUnavailable ? "Unanswered" : "Wrong",
    items,
    why: `202 with ${rejected.length} of ${results.length} rejected (${said.join("; ")})`
  }
}

/** Sends one request. That the connection fails is a reply; that nothing happens for a minute is a wrong one. */
export const send = ({ address, key }: Target, request: Request): Effect.Effect<Reply> =>
  Effect.promise(async () => {
    const { body, headers } = bodyOf(request)
    const patience = AbortSignal.timeout(60_000)
    try {
      const response = await fetch(`${address}${request.route}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
        signal: patience
      })
      return read(request, response.status, await response.text())
    } catch (failure) {
      if (patience.aborted) return wrong("nothing within a minute")
      const cause = failure instanceof Error ? (failure.cause ?? failure) : failure
      return unanswered(String(cause))
    }
  })

/** Sends it again as long as there is no answer, up to a minute or so; of each event the first answer counts. */
export const insist = Effect.fnUntraced(function* (target: Target, request: Request) {
  let reply = yield* send(target, request)
  for (let tries = 0; tries < 300 && reply._tag === "Unanswered"; tries++) {
    yield* Effect.sleep("200 millis")
    const { items } = reply
    const next = yield* send(target, request)
    reply = { ...next, items: request.drafts.map((_, at) => items[at] ?? next.items[at]) }
  }
  return reply
})

/** A round of all senders at once, which ends when the server does. Fills `sent`. */
export const runSenders = (senders: ReadonlyArray<Sender>, target: Target, round: number, sent: Array<Sent>) =>
  Effect.forEach(
    senders,
    (next) =>
      Effect.gen(function* () {
        const one: Sent = { request: next(round), reply: unanswered("on its way") }
        sent.push(one)
        one.reply = yield* send(target, one.request)
        return one.reply._tag === "Answered"
      }).pipe(Effect.repeat({ while: (answered) => answered })),
    { concurrency: "unbounded", discard: true }
  )

export const isAnswered = ({ reply }: Sent) => reply._tag === "Answered"

/** Each event with what was answered for it. */
export const eventsOf = (sent: ReadonlyArray<Sent>): ReadonlyArray<{ draft: Draft; item: Item | undefined }> =>
  sent.flatMap(({ reply, request }) => request.drafts.map((draft, at) => ({ draft, item: reply.items[at] })))
