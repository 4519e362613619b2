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
  readonly error?: { readonly _tag: string }
}

const read = ({ drafts, route }: Request, status: number, text: string): Reply => {
  const why = `${status} ${text.slice(0, 300)}`
  if (status === 503) return unanswered(why)
  if (status !== 202) return wrong(why)
  const body = JSON.parse(text)
  if (route === "/v1/events") return { _tag: "Answered", items: [body], why }
  const results: ReadonlyArray<Result> = body.results
  const refused = results.flatMap(({ error }) => error?._tag ?? [])
  if (results.length !== drafts.length || refused.some((tag) => tag !== "DatabaseUnavailable")) return wrong(why)
  return {
    _tag: refused.length === 0 ? "Answered" : "Unanswered",
    items: results.map(({ contactKey, status }) =>
      status === "rejected" ? undefined : { contactKey, stored: status === "stored" }
    ),
    why
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
