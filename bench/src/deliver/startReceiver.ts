/** The receiver of all contenders, a process of its own, and what it counted. */
import { Effect, Schedule, Schema } from "effect"
import { startNode } from "../ChildProgram.ts"

const Counted = Schema.Struct({
  /** Requests. */
  arrived: Schema.Int,
  /** With different ids. */
  messages: Schema.Int,
  /** Of those whose signature was checked. */
  unsigned: Schema.Int,
  /** Between the first and the last of those that were expected; null as long as one is missing. */
  seconds: Schema.NullOr(Schema.Number)
})

const decode = Schema.decodeUnknownEffect(Counted)

const ask = (url: string, body?: object) =>
  Effect.tryPromise(async () => {
    const response = await fetch(url, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) })
    const text = await response.text()
    return text === "" ? null : (JSON.parse(text) as unknown)
  })

export const startReceiver = Effect.gen(function* () {
  const { pid, printed } = yield* startNode(["bench/src/deliver/receiver/main.ts"], {})
  const [, url = ""] = yield* printed(/The receiver serves (\S+)/)
  const counted = Effect.flatMap(ask(new URL("/counted", url).href), decode)
  return {
    pid,
    /** Where deliveries go. */
    url,
    /** Counts anew, until so many messages have arrived that are signed with this secret. */
    expect: (count: number, secret: string) => ask(new URL("/expect", url).href, { count, secret }),
    counted,
    /** What it counted when all have arrived. A backlog that does not shrink any more is waited for in vain. */
    arrived: counted.pipe(
      Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: ({ seconds }) => seconds !== null }),
      Effect.timeout("2 minutes")
    )
  }
})

export type Receiver = Effect.Success<typeof startReceiver>
