/**
 * What is told of a defect: that there was one. The last guard of the answers: what a handler dies of is an `InternalFault`
 * by then, so this is an answer of ours that does not fit its own schema, or Effect's server in trouble.
 */
import { InternalFault } from "@hogsend/core"
import { Cause, Effect, Schema } from "effect"
import type { FromServerEncoded } from "effect/rpc/RpcMessage"
import { internalFault } from "../HttpEdge.ts"

const fault = Schema.encodeSync(InternalFault)(internalFault)

/** Logs what it leaves out. */
export const withoutDefects = (response: FromServerEncoded): Effect.Effect<FromServerEncoded> => {
  if (response._tag === "Defect") return told([response.defect], { ...response, defect: internalFault.error })
  if (response._tag !== "Exit" || response.exit._tag === "Success") return Effect.succeed(response)
  const defects = response.exit.cause.flatMap((reason) => (reason._tag === "Die" ? [reason.defect] : []))
  return defects.length === 0
    ? Effect.succeed(response)
    : told(defects, { ...response, exit: { _tag: "Failure", cause: [{ _tag: "Fail", error: fault }] } })
}

const told = (defects: ReadonlyArray<unknown>, response: FromServerEncoded) =>
  Effect.as(Effect.logError("A call failed", Cause.fromReasons(defects.map(Cause.makeDieReason))), response)
