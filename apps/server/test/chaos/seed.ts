/** What a crash test starts from; a failure tells it, and `HOGSEND_TEST_SEED` sends the same again. */
export const seed = Number(process.env["HOGSEND_TEST_SEED"] ?? 0) || 1 + (Date.now() % 1_000_000)
