/** `wrk`, the load generator: a process of its own with one thread. Its script prints its result as one line of JSON. */
import { Effect, Schema } from "effect"
import { runToEnd } from "./ChildProgram.ts"
import type { Target } from "./HogsendProgram.ts"

/** What it counted: answers, with latencies in milliseconds. */
const WrkResult = Schema.Struct({
  requests: Schema.Int,
  seconds: Schema.Number,
  p50: Schema.Number,
  p99: Schema.Number,
  /** Answers of 400 and more. */
  refused: Schema.Int,
  /** Connections that were refused or broke, and answers that did not come in time. */
  broken: Schema.Int
})
export type WrkResult = typeof WrkResult.Type

/** Where it comes from. */
export const wrkProgram = { name: "wrk", from: "apt-get install wrk, brew install wrk, or build it" }

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(WrkResult))

/** The result in what wrk and its script wrote. */
export const parseWrk = (output: string) => decode(output.split("\n").findLast((line) => line.startsWith("{")) ?? "")

export interface WrkLoad {
  readonly target: Target
  readonly path: string
  /** Where its script is, and what it is told. */
  readonly script: string
  readonly args: ReadonlyArray<string>
  readonly connections: number
  readonly seconds: number
}

/** Puts the load on. An answer that is none, or a refusal, fails it. */
export const runWrk = Effect.fnUntraced(function* ({ args, connections, path, script, seconds, target }: WrkLoad) {
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script]
  const headers = ["-H", `Authorization: Bearer ${target.key}`, "-H", "Content-Type: application/json"]
  const output = yield* runToEnd("wrk", [...options, ...headers, `${target.url}${path}`, "--", ...args])
  const result = yield* parseWrk(output)
  if (result.refused + result.broken > 0 || result.requests === 0) {
    return yield* Effect.fail(new Error(`${target.url}${path} did not answer every request with a success: ${output}`))
  }
  return result
})
