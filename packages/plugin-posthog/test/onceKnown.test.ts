import { expect, it } from "vitest"
import { onceKnown } from "../src/onceKnown.ts"

it("asks once for all who ask meanwhile and later, and anew after a failure", async () => {
  const asked: Array<PromiseWithResolvers<string>> = []
  const ask = onceKnown(() => {
    asked.push(Promise.withResolvers())
    return asked.at(-1)?.promise ?? Promise.resolve("")
  })
  const [first, second] = [ask(), ask()]
  asked[0]?.reject(new Error("not now"))
  await expect(first).rejects.toThrow("not now")
  await expect(second).rejects.toThrow("not now")
  const third = ask()
  asked[1]?.resolve("17")
  expect([await third, await ask(), await ask()]).toEqual(["17", "17", "17"])
  expect(asked.length).toBe(2)
})
