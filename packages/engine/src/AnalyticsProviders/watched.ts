/**
 * Keeps how the last write ended, of what is told for certain and of what the provider captures by itself, and says in the log
 * that writes fail: once per reason until one works again. Deletions are left out, since they take another right.
 */
import { type AnalyticsMessage, AnalyticsProvider, type AnalyticsWriteError } from "@hogsend/core"
import { Cause, Clock, Effect, Exit, Option } from "effect"

type Provider = AnalyticsProvider["Service"]

export const watched = (provider: Provider): Provider => {
  const told = { lastError: null as AnalyticsWriteError | null }
  const said = new Set<string>()

  const last = (): AnalyticsWriteError | null => {
    const captured = provider.lastWriteError ?? null
    if (captured === null || told.lastError === null) return captured ?? told.lastError
    return captured.at > told.lastError.at ? captured : told.lastError
  }

  const say = Effect.suspend(() => {
    const reason = last()?.reason
    if (reason === undefined) said.clear()
    if (reason === undefined || said.has(reason)) return Effect.void
    said.add(reason)
    const { id, name, writesHint = "" } = provider.meta
    return Effect.logWarning(`${name} does not take what is written to it. ${writesHint}`.trim(), {
      provider: id,
      reason
    })
  })

  const note = Effect.fnUntraced(function* (
    exit: Exit.Exit<void, { readonly failure: AnalyticsWriteError["reason"] }>
  ) {
    const at = new Date(yield* Clock.currentTimeMillis)
    told.lastError = Exit.isSuccess(exit) ? null : { reason: reasonOf(exit.cause), at }
    yield* say
  })

  return AnalyticsProvider.of({
    meta: provider.meta,
    capabilities: provider.capabilities,
    get project() {
      return provider.project
    },
    readPerson: provider.readPerson,
    // What was captured before is sent by now, or was not.
    capture: (event) => Effect.andThen(provider.capture(event), say),
    deliver: (messages, origin) => {
      const delivered = provider.deliver(messages, origin)
      return messages.every(isDeletion) ? delivered : Effect.onExit(delivered, note)
    },
    get lastWriteError() {
      return last()
    },
    loop: provider.loop
  })
}

const isDeletion = ({ type }: AnalyticsMessage): boolean => type === "person.delete"

/** Who hands it in interrupts what takes too long. */
const reasonOf = (cause: Cause.Cause<{ readonly failure: AnalyticsWriteError["reason"] }>) =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: ({ failure }) => failure,
    onNone: () => (Cause.hasInterrupts(cause) ? ("timeout" as const) : ("bad-response" as const))
  })
