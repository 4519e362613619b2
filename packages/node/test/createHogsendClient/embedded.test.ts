/** A client that is told nothing, in development. */
import { chmodSync, mkdtempSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { createHogsendClient } from "../../src/index.ts"
import { verifyToken } from "./verifyToken.ts"

vi.setConfig({ testTimeout: 120_000 })

it("A client without a database and a secret keeps both in its data folder", async () => {
  for (const name of ["DATABASE_URL", "BETTER_AUTH_SECRET", "HOGSEND_DATA_DIR"]) vi.stubEnv(name, "")
  const folder = mkdtempSync(join(tmpdir(), "hs-"))
  // For the account of the database.
  chmodSync(folder, 0o755)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    return rm(folder, { recursive: true, force: true })
  })
  const options = { database: { dataDirectory: join(folder, "data") }, logLevel: "error" } as const
  const one = createHogsendClient(options)
  const token = await one.userTokens.generate({ userId: "u_1" })
  await one.contacts.upsert({ userId: "u_1" })
  await one.dispose()

  await using again = createHogsendClient(options)
  expect(await again.contacts.find({ userId: "u_1" })).toHaveLength(1)
  const { betterAuthSecret } = JSON.parse(readFileSync(join(folder, "data", "secrets.json"), "utf8"))
  expect(verifyToken(token, betterAuthSecret)).toMatchObject({ userId: "u_1" })
  expect(verifyToken(await again.userTokens.generate({ userId: "u_1" }), betterAuthSecret)).toBeDefined()
})
