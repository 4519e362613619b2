/** Somebody else comes at a known moment of a request: before one of its statements, on another connection. */
import { Effect } from "effect"
import type { Transformer } from "effect/sql/Statement"

/** Runs `meanwhile` on another connection when the request comes to a statement that holds the text. */
export const interfere = (text: string, meanwhile: (nth: number) => Promise<unknown>): Transformer => {
  let nth = 0
  return (statement) =>
    statement.compile()[0].includes(text)
      ? Effect.as(
          Effect.promise(() => meanwhile(nth++)),
          statement
        )
      : Effect.succeed(statement)
}

/** The first time only. */
export const once = (effect: () => Promise<unknown>) => (nth: number) => (nth === 0 ? effect() : Promise.resolve())
