/**
 * Hands the analytics provider what several attempts have for it in one call.
 *
 * What comes while calls are on their way goes together in the next one. A call that is refused for what it holds is made
 * again for each of its messages, so that a bad one fails alone. One that takes too long makes the next ones smaller, so that
 * a provider that is slow at each message gets on all the same.
 */
import type { AnalyticsMessage, AnalyticsMessagesRefused, AnalyticsProvider } from "@hogsend/core"
import { Cause, Clock, Effect, Exit } from "effect"
import { makeBatches } from "../batches.ts"
import { type Answer, isRefusal, type NoAnswer } from "./judge.ts"

export interface DeliverTogetherOptions {
  /** How long a call may take, with all that follows when it is refused, in milliseconds. */
  readonly timeout: number
  /** Told of what the provider has taken. */
  readonly onTaken?: (messages: ReadonlyArray<AnalyticsMessage>) => Effect.Effect<void>
}

/** What the provider made of a message. */
export interface Told {
  readonly answer: Answer | NoAnswer
  /** In milliseconds, by this process's clock. */
  readonly startedAt: number
  readonly endedAt: number
}

interface Waiting {
  readonly message: AnalyticsMessage
  readonly since: number
}

/** Answers how a message is handed in. Null: there was no time for it, and it was not begun. */
export const makeDeliverTogether = Effect.fnUntraced(function* (
  provider: AnalyticsProvider["Service"],
  { onTaken, timeout }: DeliverTogetherOptions
) {
  const state = { size: largest }
  const late: NoAnswer = { error: `The analytics provider did not answer within ${timeout} ms.` }

  /** Null: it is too late to begin. */
  const call = Effect.fnUntraced(function* (messages: ReadonlyArray<AnalyticsMessage>, until: number) {
    const startedAt = yield* Clock.currentTimeMillis
    if (startedAt >= until) return null
    const answer = yield* provider.deliver(messages).pipe(
      Effect.as(taken),
      Effect.timeoutOrElse({ duration: until - startedAt, orElse: () => Effect.succeed(late) }),
      Effect.catch((refused) => Effect.succeed(answerOf(refused))),
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError("The analytics provider failed inside of the server", Cause.die(defect)), broken)
      )
    )
    if (answer === taken && onTaken !== undefined) yield* onTaken(messages)
    return { answer, startedAt, endedAt: yield* Clock.currentTimeMillis } satisfies Told
  })

  const callEach = (messages: ReadonlyArray<AnalyticsMessage>, until: number) =>
    Effect.forEach(messages, (message) => call([message], until), { concurrency: atATime })

  const deliver = Effect.fnUntraced(function* (messages: ReadonlyArray<AnalyticsMessage>, until: number) {
    if (messages.length === 0) return []
    const told = yield* call(messages, until)
    const isLate = told?.answer === late
    state.size = isLate ? Math.ceil(messages.length / 2) : Math.min(largest, state.size + 1)
    return told === null || messages.length === 1 || !isRefusal(told.answer)
      ? messages.map(() => told)
      : yield* callEach(messages, until)
  })

  const run = Effect.fnUntraced(function* (items: ReadonlyArray<Waiting>) {
    const now = yield* Clock.currentTimeMillis
    // Of those who have waited for long the lease may end before an answer is there.
    const inTime = items.filter(({ since }) => now - since <= patience)
    const until = now + timeout
    // To delete takes another right than to write, and without it everybody else would be refused as well.
    const [deletions, others] = [inTime.filter(isDeletion), inTime.filter((item) => !isDeletion(item))]
    const told = yield* Effect.all(
      [
        deliver(
          others.map(({ message }) => message),
          until
        ),
        callEach(
          deletions.map(({ message }) => message),
          until
        )
      ],
      { concurrency: 2 }
    )
    const answers = new Map([...others, ...deletions].map((item, at) => [item, told.flat()[at] ?? null]))
    return items.map((item) => Exit.succeed(answers.get(item) ?? null))
  })

  const submit = yield* makeBatches<Waiting, Told | null, never>(run, {
    lanes,
    size: () => state.size,
    closeGrace: 0,
    closed: Exit.succeed(null)
  })
  return (message: AnalyticsMessage) => Effect.flatMap(Clock.currentTimeMillis, (since) => submit({ message, since }))
})

const isDeletion = ({ message }: Waiting): boolean => message.type === "person.delete"

/** What a refusal means: one that says that all is well, or that the provider is gone for good, says nothing of the sort. */
const answerOf = ({ error, retryAfter, status }: AnalyticsMessagesRefused): Answer | NoAnswer =>
  status === null || status < 300 || status === 410
    ? { error }
    : { status, headers: retryAfter === null ? {} : { "retry-after": retryAfter }, body: "" }

/** As an HTTP server would say it. */
const taken: Answer = { status: 200, headers: {}, body: "" }

const broken: NoAnswer = { error: "The analytics provider failed inside of the server; its log says why." }

/** So many messages go in one call at the most. */
const largest = 100

/** So many calls are on their way, and so many of those that are made again. */
const lanes = 2
const atATime = 8

/** How long a message waits for its turn, in milliseconds; what is left of its lease is longer than a call. */
const patience = 10_000
