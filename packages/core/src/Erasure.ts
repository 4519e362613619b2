/** Erasures: receipts of people who left. They hold ids, times and counts, and nothing that names anybody. */
import * as Schema from "effect/Schema"
import { ContactId } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { TaggedError } from "./TaggedError.ts"

export const ErasureId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("ErasureId"))
export type ErasureId = typeof ErasureId.Type

export const ErasureStatus = Schema.Literals(["pending", "done", "cancelled"])
export type ErasureStatus = typeof ErasureStatus.Type

export class Erasure extends Schema.Class<Erasure>("Erasure")({
  id: ErasureId,
  contactId: Schema.NullOr(ContactId).annotateKey({
    description: "Null for a visitor who was only observed, and so was no contact."
  }),
  status: ErasureStatus.annotateKey({
    description:
      "`pending`: out of reach, and erased at `dueAt` unless it is cancelled before. `done`: nothing is left. `cancelled`: the contact is there again."
  }),
  requestedAt: Instant.annotateKey({ description: "What happened before this is refused, however late it arrives." }),
  dueAt: Instant.annotateKey({ description: "When everything is to be deleted, or was." }),
  endedAt: Schema.NullOr(Instant).annotateKey({ description: "When it was done or cancelled." }),
  removed: Schema.NullOr(Schema.Record(Schema.String, Schema.Int)).annotateKey({
    description: "How many rows were deleted, by table. Null as long as nothing was."
  }),
  provider: Schema.Struct({
    personDeleted: Schema.Boolean.annotateKey({
      description: "The provider was asked to delete the person, and has taken it."
    }),
    reason: Schema.String.annotateKey({ description: "Why, or why not, for a person." }),
    distinctIds: Schema.NullOr(Schema.Array(Schema.String)).annotateKey({
      description:
        "By what the provider may know a person who is to be deleted there by hand. Told once, by the answer to the request that erases, since nothing is kept that names them: null in every other answer."
    })
  }).annotateKey({ description: "What became of the person at the analytics provider." })
}) {}

export class ErasureNotFound extends TaggedError<ErasureNotFound>()(
  "ErasureNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No erasure has this id." }
) {}

export class ErasureEnded extends TaggedError<ErasureEnded>()(
  "ErasureEnded",
  { error: Schema.String },
  { httpApiStatus: 409, description: "The erasure is done or was cancelled before, so it cannot be cancelled." }
) {}

export class KeysTaken extends TaggedError<KeysTaken>()(
  "KeysTaken",
  { error: Schema.String },
  {
    httpApiStatus: 409,
    description: "A key of the contact is somebody's again, so the erasure cannot be cancelled. Nothing was changed."
  }
) {}
