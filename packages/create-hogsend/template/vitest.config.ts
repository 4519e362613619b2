/** One Postgres for the whole run; every test file has a database of its own on it. */
import { defineConfig } from "vitest/config"

export default defineConfig({ test: { globalSetup: "@hogsend/testing/globalSetup", testTimeout: 30_000 } })
