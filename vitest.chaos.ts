// What is too rough or too long for every run: `*.chaos.ts` beside the tests. The last line is the tally of these alone.
import { defineConfig } from "vitest/config"
import { TallyReporter } from "./vitest.tally.ts"

const folders = ["apps/server", "packages/create-hogsend", "release"]

export default defineConfig({
  test: {
    projects: folders.map((root) => ({
      test: {
        name: `${root} chaos`,
        root: `${import.meta.dirname}/${root}`,
        include: ["test/**/*.chaos.ts"],
        globalSetup: `${import.meta.dirname}/packages/testing/src/globalSetup.ts`,
        pool: "forks",
        // For slow machines: a test starts many processes.
        testTimeout: 600_000,
        hookTimeout: 30_000
      }
    })),
    reporters: ["default", new TallyReporter()],
    // One after the other: each of them takes the whole machine.
    maxWorkers: 1
  }
})
