/** What a stream says when it has nothing else to say, so that its reader knows the connection from a dead one. */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"

/** Nothing happened; the stream lives. Sent every 10 seconds, unless the server says otherwise. */
export class Heartbeat extends Schema.TaggedClass<Heartbeat>()("Heartbeat", {
  at: Instant.annotateKey({
    description: "The server's time. Of the first one, with which a stream begins: what happens from then on is told."
  })
}) {}
