// Prints the run's result as the very last line, `12 passed, 0 failed`, with `, 1 skipped` when there are any.
// A test file that could not be loaded, and an error outside any test, count as one failure each.
import type { Reporter, TestModule } from "vitest/node"

export class TallyReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const count = (state: string) => states.filter((found) => found === state).length
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length
    // A test that an abort left without a result has not passed.
    const failed = count("failed") + count("pending") + broken
    const skipped = count("skipped")
    // After vitest's own summary, which other reporters may still be printing. A run that failed before any test did
    // (its global setup, say) is known by its exit code alone.
    process.once("exit", (code) => {
      const failures = code !== 0 && failed === 0 ? 1 : failed
      process.stdout.write(
        `${count("passed")} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`
      )
    })
  }
}
