/** A storage without a database: every call waits until the test says what became of it. */
import { Effect, Exit } from "effect"
import type { GroupOutcome, Item, Storage } from "../../src/EventIngest/GroupCommit.ts"

export interface Task extends Item {
  readonly name: string
}

export const task = (name: string, ...slots: ReadonlyArray<string>): Task => ({ name, slots, size: 1 })

export const namesOf = (tasks: ReadonlyArray<Task>) => tasks.map(({ name }) => name).join(" ")

type Outcome = GroupOutcome<Task, string, string>

/** What became of a group: those named go alone or are handed in again, the others are answered with their names. */
export const outcomeOf = (
  tasks: ReadonlyArray<Task>,
  { alone = "", later = "" }: { readonly alone?: string; readonly later?: string } = {}
): Outcome => {
  const [apart, again] = [alone.split(" "), later.split(" ")]
  return {
    answers: new Map(
      tasks.flatMap((one) =>
        apart.includes(one.name) || again.includes(one.name) ? [] : [[one, Exit.succeed(one.name)] as const]
      )
    ),
    alone: tasks.filter(({ name }) => apart.includes(name))
  }
}

/** Until whoever can go on has gone on. */
export const quiet = Effect.repeat(Effect.yieldNow, { times: 40 })

export const scriptedStorage = () => {
  const groups: Array<{ readonly tasks: ReadonlyArray<Task>; readonly end: (as: Effect.Effect<Outcome>) => void }> = []
  const alone: Array<{ readonly name: string; readonly end: (as: Effect.Effect<string, string>) => void }> = []
  const begun: Array<string> = []
  const storage: Storage<Task, string, string> = {
    storeGroup: (tasks) =>
      Effect.callback((end) => {
        groups.push({ tasks, end })
        begun.push(namesOf(tasks))
      }),
    storeAlone: ({ name }) =>
      Effect.callback((end) => {
        alone.push({ name, end })
        begun.push(`alone ${name}`)
      })
  }
  /** Ends the group that begins with this task. */
  const endWith = (first: string, how: (tasks: ReadonlyArray<Task>) => Effect.Effect<Outcome>) =>
    Effect.sync(() => {
      const group = groups.findLast(({ tasks }) => tasks[0]?.name === first)
      if (group === undefined) throw new Error(`No group begins with ${first}`)
      group.end(how(group.tasks))
    })
  return {
    storage,
    /** What was begun since the last time. */
    begun: Effect.map(quiet, () => begun.splice(0)),
    endWith,
    end: (first: string, how: Parameters<typeof outcomeOf>[1] = {}) =>
      endWith(first, (tasks) => Effect.succeed(outcomeOf(tasks, how))),
    endAlone: (name: string, how: Effect.Effect<string, string> = Effect.succeed(name)) =>
      Effect.sync(() => {
        const one = alone.findLast((call) => call.name === name)
        if (one === undefined) throw new Error(`${name} is not stored alone`)
        one.end(how)
      })
  }
}
