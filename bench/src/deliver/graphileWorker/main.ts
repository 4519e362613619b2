/** A peer: graphile-worker, with what its manual has for much throughput: a local queue, and jobs completed in batches. */
import { Logger, run } from "graphile-worker"
import { makeSignedPost, type Message } from "../signedPost.ts"

const { DATABASE_URL = "", JOBS, SECRET = "", URL: url = "" } = process.env
const concurrentJobs = Number(JOBS)
const post = makeSignedPost({ url, secret: SECRET })

const runner = await run({
  noHandleSignals: true,
  taskList: { deliver: (job) => post(job as Message) },
  preset: {
    worker: {
      connectionString: DATABASE_URL,
      concurrentJobs,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: new Logger(() => () => undefined)
    }
  }
})
process.once("SIGTERM", () => void runner.stop())
console.log("The peer works.")
