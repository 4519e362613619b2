/** Where a migration track stands: the code's list held against the database's ledger, by name and content. */
import type { TrackStatus } from "@hogsend/core"
import { sha256Hex } from "../SyncCrypto.ts"

/** One migration: its name (`0001_Clock`), and its SQL text. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** A row of `hogsend.migrations`. */
export interface AppliedMigration {
  readonly track: string
  readonly name: string
  readonly sha256: string
}

/** What is in the code and not in the database, in order. */
export const pendingOf = (
  track: string,
  required: ReadonlyArray<Migration>,
  applied: ReadonlyArray<AppliedMigration>
): ReadonlyArray<Migration> => {
  const names = new Set(applied.filter((row) => row.track === track).map((row) => row.name))
  return required.filter((migration) => !names.has(migration.name))
}

/**
 * What has another name now: a name that is not applied, with the content of one that is and has gone. Drizzle's `up` renames
 * all that there are. Of several with the same content each stands for one.
 */
export const renamesOf = (
  track: string,
  required: ReadonlyArray<Migration>,
  applied: ReadonlyArray<AppliedMigration>
): ReadonlyArray<{ readonly from: string; readonly to: string }> => {
  const known = new Set(required.map(({ name }) => name))
  const gone = applied.filter((row) => row.track === track && !known.has(row.name))
  return pendingOf(track, required, applied).flatMap(({ name, sql }) => {
    const hash = sha256Hex(sql)
    const index = gone.findIndex(({ sha256 }) => sha256 === hash)
    return gone.splice(index, index < 0 ? 0 : 1).map((row) => ({ from: row.name, to: name }))
  })
}

export const trackStatus = (
  track: string,
  required: ReadonlyArray<Migration>,
  applied: ReadonlyArray<AppliedMigration>
): TrackStatus => {
  const rows = new Map(applied.filter((row) => row.track === track).map((row) => [row.name, row.sha256]))
  const known = new Set(required.map((migration) => migration.name))
  const pending = pendingOf(track, required, applied).map((migration) => migration.name)
  const newest = required.findLastIndex(({ name }) => rows.has(name))
  const changed = required
    .filter(({ name, sql }) => rows.has(name) && rows.get(name) !== sha256Hex(sql))
    .map(({ name }) => name)
  const unknown = [...rows.keys()].filter((name) => !known.has(name))
  return {
    applied: rows.size,
    required: required.length,
    inSync: pending.length === 0 && changed.length === 0 && unknown.length === 0,
    pending,
    outOfOrder: required
      .slice(0, newest + 1)
      .filter(({ name }) => !rows.has(name))
      .map(({ name }) => name),
    changed,
    unknown
  }
}
