import { it } from "@effect/vitest"
import { PostHogBehaviour, TestPostHog } from "@hogsend/testing"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect } from "vitest"

it.effect("batches, good and refused, reads and a shutdown leave no timer and no socket that keeps a process", () =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make({ oneHost: true })
    posthog.capture.next(PostHogBehaviour.honest, 2)
    // Longer than what a socket hands over at once.
    posthog.capture.next(PostHogBehaviour.answer({ status: 503, body: "x".repeat(10_000_000) }))
    const script = join(import.meta.dirname, "leavesNothing.process.ts")
    const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [script, posthog.captureHost]))
    const { before, after } = JSON.parse(stdout)
    expect(after).toEqual(before)
    expect(posthog.requests("capture").length).toBe(4)
    expect(posthog.store.person("u_1")?.properties).toMatchObject({ plan: "pro" })
  })
)
