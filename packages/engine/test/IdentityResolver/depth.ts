/**
 * How deep the tests of identity look: 1 in ordinary runs; more multiplies the random histories and the rounds of
 * concurrent writers. `npm run test:deep` sets it to 100.
 */
export const depth = Math.max(1, Math.trunc(Number(process.env["HOGSEND_TEST_DEPTH"] ?? 1)) || 1)

/** Pure properties: a thousand histories, a hundred thousand in a deep run. */
export const runs = { arbitrary: { runs: 1000 * depth, size: 20 }, timeout: 60_000 * depth }

/** What needs a database is slower, and its rounds are not multiplied as much. */
const slower = Math.ceil(depth / 25)
export const roundsOf = (ordinary: number) => ordinary * slower
export const timeoutOfRounds = 60_000 * slower
