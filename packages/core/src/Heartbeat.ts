/** What a stream says when it has nothing else to say, so that its reader knows the connection from a dead one. */
import * as Schema from "effect/Schema"

/** Nothing happened; the stream lives. Sent every 10 seconds, unless the server says otherwise. */
export class Heartbeat extends Schema.TaggedClass<Heartbeat>()("Heartbeat", {}) {}
