/** A peer: pg-boss, with what its manual has for much throughput: workers that fetch batches, and do so again at once. */
import { PgBoss } from "pg-boss"
import { makeSignedPost, type Message } from "../signedPost.ts"

const { BATCH, DATABASE_URL = "", SECRET = "", URL: url = "", WORKERS } = process.env
const [batchSize, localConcurrency] = [Number(BATCH), Number(WORKERS)]
const post = makeSignedPost({ url, secret: SECRET })

const boss = new PgBoss({ connectionString: DATABASE_URL, max: Math.max(10, 2 * localConcurrency) })
boss.on("error", console.error)
await boss.start()
await boss.createQueue("deliver", { retryLimit: 9, retryDelay: 5, retryBackoff: true })
await boss.work<Message>(
  "deliver",
  { batchSize, localConcurrency, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true, perJobResults: true },
  (jobs) =>
    Promise.all(
      jobs.map(({ data, id }) =>
        post(data).then(
          () => ({ id, status: "completed" as const }),
          (error: Error) => ({ id, status: "failed" as const, output: { error: error.message } })
        )
      )
    )
)
process.once("SIGTERM", () => void boss.stop())
console.log("The peer works.")
