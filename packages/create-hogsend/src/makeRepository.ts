/** A git repository with the app as its first commit: none inside of another one, and none where there is no git. */
import { run, type Where } from "./run.ts"

const steps = [["init"], ["add", "--all"], ["commit", "--message", "The app that create-hogsend made"]]

export const makeRepository = async (where: Where): Promise<void> => {
  if ((await run("git", ["rev-parse", "--is-inside-work-tree"], where)).ok) return
  // Whoever has told git no name makes the first commit by themselves.
  for (const step of steps) if (!(await run("git", step, where)).ok) return
}
