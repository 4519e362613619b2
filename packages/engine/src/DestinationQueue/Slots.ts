/**
 * The slots of a worker: how many attempts run at the same time, and whose they are. No endpoint has more than its share, so
 * one that hangs, or has a hundred thousand deliveries due, leaves room for the others.
 */
export interface Slots {
  /** The most that one endpoint may have. */
  readonly share: number
  readonly free: () => number
  /** Who has how many. */
  readonly held: () => ReadonlyMap<string, number>
  readonly take: (endpointId: string) => void
  readonly release: (endpointId: string) => void
}

export const makeSlots = (total: number): Slots => {
  const held = new Map<string, number>()
  const state = { taken: 0 }
  return {
    share: Math.max(1, Math.floor(total / 8)),
    free: () => total - state.taken,
    held: () => held,
    take: (endpointId) => {
      held.set(endpointId, (held.get(endpointId) ?? 0) + 1)
      state.taken += 1
    },
    release: (endpointId) => {
      const others = (held.get(endpointId) ?? 1) - 1
      if (others === 0) held.delete(endpointId)
      else held.set(endpointId, others)
      state.taken -= 1
    }
  }
}
