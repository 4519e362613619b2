/** A name server on this machine that knows what a test tells it. */
import { Effect } from "effect"
import { createSocket } from "node:dgram"

/** Addresses as bytes; a code that stands for a refusal; or nothing at all. */
export type Records = ReadonlyArray<ReadonlyArray<number>> | { readonly code: number } | "silence"

const aaaa = 28

/** Answers `host:port`, and which questions came. It lives until the scope closes. */
export const nameServer = (zone: Readonly<Record<string, { readonly a: Records; readonly aaaa: Records }>>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: string; readonly asked: ReadonlyArray<string>; readonly stop: () => void }>(
      (resume) => {
        const socket = createSocket("udp4")
        const asked: Array<string> = []
        socket.on("message", (question, { address, port }) => {
          const { end, name, type } = read(question)
          asked.push(`${name} ${type === aaaa ? "AAAA" : "A"}`)
          const records = zone[name]?.[type === aaaa ? "aaaa" : "a"] ?? { code: 3 }
          if (records !== "silence") socket.send(answerTo(question, end, type, records), port, address)
        })
        socket.bind(0, "127.0.0.1", () =>
          resume(Effect.succeed({ server: `127.0.0.1:${socket.address().port}`, asked, stop: () => socket.close() }))
        )
      }
    ),
    ({ stop }) => Effect.sync(stop)
  )

/** The one question of a message: labels from byte 12 on, each behind its length, then the type and the class. */
const read = (message: Buffer) => {
  const labels: Array<string> = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join("."), type: message.readUInt16BE(at + 1), end: at + 5 }
}

const answerTo = (question: Buffer, end: number, type: number, records: Exclude<Records, "silence">): Buffer => {
  const code = "code" in records ? records.code : 0
  const addresses = "code" in records ? [] : records
  const head = Buffer.from(question.subarray(0, end))
  // An answer, with recursion; as many records as there are; nothing else behind them.
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  // The name of the question, its type, the class IN, no time to live, and the address.
  const answers = addresses.map((bytes) =>
    Buffer.from([0xc0, 12, type >> 8, type & 255, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes])
  )
  return Buffer.concat([head, ...answers])
}
