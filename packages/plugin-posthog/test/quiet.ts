/** A library prints nothing. Called in a test file, it holds that of each of its tests. */
import { afterEach, beforeEach, expect, vi } from "vitest"

const levels = ["debug", "error", "info", "log", "warn"] as const

export const printsNothing = (): void => {
  beforeEach(() => {
    for (const level of levels) vi.spyOn(console, level).mockImplementation(() => undefined)
  })
  afterEach(() => {
    const printed = levels.flatMap((level) => vi.mocked(console[level]).mock.calls)
    vi.restoreAllMocks()
    expect(printed).toEqual([])
  })
}
