/** What is logged, as a test reads it: a line each, its level and its message, `Warn ["Warnings failed",{"count":2}]`. */
import { Logger } from "effect"

/** Provide `layer` in place of the loggers that there are; `lines` grows. Annotations, spans and causes are left out. */
export const recordLogs = () => {
  const lines = new Array<string>()
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
  return { lines: lines as ReadonlyArray<string>, layer: Logger.layer([logger]) }
}
