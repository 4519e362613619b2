// The tests of every package in one run. vitest reads a file of this name only when it is named with --config.
import { readdirSync } from "node:fs"
import { defineConfig } from "vitest/config"
import { TallyReporter } from "./vitest.tally.ts"

const libraries = ["cli", "client", "core", "create-hogsend", "engine", "node", "plugin-posthog", "testing"]
const examples = readdirSync(`${import.meta.dirname}/examples`)
const folders = [
  ...libraries.map((name) => `packages/${name}`),
  "apps/server",
  "bench",
  "release",
  ...examples.map((name) => `examples/${name}`)
]

export default defineConfig({
  test: {
    projects: folders.map((root) => ({
      test: {
        name: root,
        root: `${import.meta.dirname}/${root}`,
        include: ["test/**/*.test.ts", "template/test/**/*.test.ts"],
        pool: "forks",
        testTimeout: 15_000,
        hookTimeout: 30_000
      }
    })),
    // Once for the run, whatever the number of projects: one throwaway Postgres.
    globalSetup: `${import.meta.dirname}/packages/testing/src/globalSetup.ts`,
    reporters: ["default", new TallyReporter()],
    maxWorkers: 2
  }
})
