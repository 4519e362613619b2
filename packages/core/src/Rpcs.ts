/**
 * Everything that a server's typed client can call over `POST /rpc`: one line a feature. The wire for everybody is `Api`;
 * both stand on the same services, models and errors. Tests of the gate walk it, so that no call can be forgotten.
 */
import * as RpcGroup from "effect/rpc/RpcGroup"
import { ContactsRpcs } from "./ContactsRpcs.ts"
import { DeliveriesRpcs } from "./DeliveriesRpcs.ts"
import { EventsRpcs } from "./EventsRpcs.ts"
import { IdentityRpcs } from "./IdentityRpcs.ts"

export class Rpcs extends RpcGroup.make().merge(EventsRpcs, ContactsRpcs, IdentityRpcs, DeliveriesRpcs) {}

/** Where they are served. */
export const rpcPath = "/rpc"
