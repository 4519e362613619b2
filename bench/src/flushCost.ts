/** What it costs here to flush one page to disk, in microseconds: no transaction is durable for less. */
import { fdatasyncSync, openSync, closeSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { percentile } from "./measure.ts"

const flushes = 300

/** The median, in this folder, of overwriting 8 KiB and `fdatasync`, which is how Postgres flushes its log on Linux. */
export const flushCost = (folder: string): number => {
  const file = join(folder, "flush-cost")
  const page = Buffer.alloc(8192)
  const handle = openSync(file, "w")
  const timed = Array.from({ length: flushes }, () => {
    const from = performance.now()
    writeSync(handle, page, 0, page.length, 0)
    fdatasyncSync(handle)
    return (performance.now() - from) * 1000
  })
  closeSync(handle)
  rmSync(file)
  return percentile(
    timed.toSorted((a, b) => a - b),
    0.5
  )
}
