/** What a receipt says of the person at the analytics provider. Pure. */
import type { Erasure, ErasureStatus } from "@hogsend/core"

/**
 * `none`: there was no provider. `cannot`: it deletes nobody. `shared`: all that it may know the person by is part of
 * somebody else there. `unheard`: nothing is sent to it. `asked`: a delivery asks for it. `deleted`: it was delivered.
 */
export type ProviderOutcome = "none" | "cannot" | "shared" | "unheard" | "asked" | "deleted"

/** As far as the receipt's row knows. */
export interface ProviderAsked {
  readonly outcome: ProviderOutcome
  /** What asks for it. */
  readonly deliveryId: string | null
}

/** `distinctIds` of whoever is to be deleted by hand, for the one answer that tells them; null: they are not known any more. */
export const providerReceipt = (
  status: ErasureStatus,
  { deliveryId, outcome }: ProviderAsked,
  distinctIds: ReadonlyArray<string> | null
): (typeof Erasure.Type)["provider"] => {
  const isLater = status === "pending" && distinctIds !== null
  const reason = status === "done" ? sentences[outcome](deliveryId ?? "") : isLater ? laterByHand : notYet[status]
  return {
    personDeleted: outcome === "deleted",
    reason: distinctIds === null ? reason : `${reason} ${byHand}`,
    distinctIds
  }
}

const laterByHand =
  "The analytics provider cannot delete a person, or not with the credentials that it has. Delete the person there by hand when the erasure is done."

const byHand = "It may know them by these distinctIds, which no later answer tells."

const notYet = {
  pending: "The analytics provider is told when the erasure is done, and nothing before.",
  cancelled: "The erasure was cancelled, so the analytics provider was not told of it."
}

const sentences: Readonly<Record<ProviderOutcome, (deliveryId: string) => string>> = {
  none: () => "There was no analytics provider, so there is no person at one.",
  cannot: () =>
    "The analytics provider cannot delete a person, or not with the credentials that it has. Delete the person there by hand.",
  shared: () =>
    "Everything that the analytics provider may know this person by is joined there with somebody who is still here, since it was told so before the two were split. It was not asked to delete them.",
  unheard: () =>
    "The analytics provider could not be asked: nothing is sent to it at the moment. Delete the person there by hand.",
  asked: (deliveryId) =>
    `The analytics provider is asked to delete the person. The delivery ${deliveryId} says how far that is.`,
  deleted: (deliveryId) => `The analytics provider was asked to delete the person, and took it: delivery ${deliveryId}.`
}
