/** What the guard lets out: only to addresses that it has judged, once a name, and within its deadline. */
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { Egress, EgressFailed, type EgressOptions, EgressTransport, type VettedRequest } from "../../src/Egress.ts"

type Answer = Effect.Effect<ReadonlyArray<string>, EgressFailed>

/** A platform that sends nothing and remembers what it was asked. */
const transport = (zone: Readonly<Record<string, Answer>>, exchange?: EgressTransport["Service"]["exchange"]) => {
  const asked: Array<string> = []
  const sent: Array<VettedRequest> = []
  const layer = Layer.succeed(
    EgressTransport,
    EgressTransport.of({
      resolve: (name) =>
        Effect.suspend(() => {
          asked.push(name)
          return zone[name] ?? Effect.fail(EgressFailed.of("unresolved", "ENOTFOUND"))
        }),
      exchange: (request) =>
        Effect.suspend(() => {
          sent.push(request)
          return exchange?.(request) ?? Effect.succeed({ status: 204, headers: {}, body: "" })
        })
    })
  )
  const run = <A, E>(use: (egress: Egress["Service"]) => Effect.Effect<A, E>, options?: EgressOptions) =>
    Effect.flatMap(Egress, use).pipe(Effect.provide(Layer.provide(Egress.layer(options), layer)), Effect.result)
  return { asked, sent, run }
}

const publicAddress = "93.184.216.34"
const answers = (...addresses: ReadonlyArray<string>): Answer => Effect.succeed(addresses)
const request = { url: "https://receiver.test/hook?a=1", method: "POST", headers: {}, body: "{}", timeoutMs: 15_000 }
const denied = (sentence: RegExp) =>
  Result.fail(expect.objectContaining({ _tag: "EgressDenied", error: expect.stringMatching(sentence) }))
const failed = (reason: string, error = /./) =>
  Result.fail(expect.objectContaining({ _tag: "EgressFailed", reason, error: expect.stringMatching(error) }))

describe("A request", () => {
  it.effect("goes to the address that was vetted, under the receiver's name", () =>
    Effect.gen(function* () {
      const { asked, run, sent } = transport({ "receiver.test": answers(publicAddress) })
      const headers = { "Content-Type": "application/json", Host: "internal", "Content-Length": "9" }
      const result = yield* run(({ send }) => send({ ...request, url: "https://receiver.test:8443/hook?a=1", headers }))
      expect(result).toEqual(Result.succeed({ status: 204, headers: {}, body: "" }))
      expect(asked).toEqual(["receiver.test"])
      expect(sent).toEqual([
        {
          address: publicAddress,
          port: 8443,
          secure: true,
          name: "receiver.test",
          method: "POST",
          path: "/hook?a=1",
          headers: { "content-type": "application/json", host: "receiver.test:8443" },
          body: "{}",
          maxAnswerBytes: 65_536
        }
      ])
    })
  )

  it.effect("to an address asks nobody, and its certificate must be for that address", () =>
    Effect.gen(function* () {
      const { asked, run, sent } = transport({})
      yield* run(({ send }) => send({ ...request, url: "https://0x5db8d822/" }))
      expect([asked, sent]).toMatchObject([[], [{ address: publicAddress, name: undefined }]])
    })
  )

  it.effect("resolves the name once, so what it leads to a moment later changes nothing for it", () =>
    Effect.gen(function* () {
      const zone = [answers(publicAddress), answers("10.0.0.1")]
      const { asked, run, sent } = transport({
        "receiver.test": Effect.suspend(() => zone.shift() ?? Effect.die("asked"))
      })
      expect(Result.isSuccess(yield* run(({ send }) => send(request)))).toBe(true)
      expect([asked.length, sent.map(({ address }) => address)]).toEqual([1, [publicAddress]])
      expect(yield* run(({ send }) => send(request))).toEqual(failed("denied", /10\.0\.0\.1/))
      expect([asked.length, sent.length]).toEqual([2, 1])
    })
  )

  it.effect.each([
    [answers("10.0.0.1")],
    [answers(publicAddress, "127.0.0.1")],
    [answers(publicAddress, "::ffff:169.254.169.254")],
    [answers("2606:4700::1", "64:ff9b::a00:1")],
    [answers("fd00:ec2::254", publicAddress)]
  ] as const)("is not sent when any address of its name is not public", ([answer]) =>
    Effect.gen(function* () {
      const { run, sent } = transport({ "receiver.test": answer })
      // Denied now; what the name leads to may be another address at the next attempt.
      expect(yield* run(({ send }) => send(request))).toEqual(failed("denied", /receiver\.test leads to/))
      expect(yield* run(({ check }) => check(request.url))).toEqual(denied(/receiver\.test leads to/))
      expect(sent).toEqual([])
    })
  )

  it.effect.each([
    ["https://2130706433/", /127\.0\.0\.1 is a loopback address.*OUTBOUND_ALLOW_LOOPBACK.*allowLoopback/],
    ["https://[::ffff:10.0.0.1]/", /is a private address/],
    ["https://localhost/", /localhost leads to 127\.0\.0\.1.*OUTBOUND_ALLOW_LOOPBACK/],
    ["https://app.localhost./", /app\.localhost leads to 127\.0\.0\.1/],
    ["http://receiver.test/", /must be https.*OUTBOUND_ALLOW_HTTP/],
    ["https://user:hunter2@receiver.test/", /user name or a password/],
    ["not a url", /no URL/]
  ] as const)("to %s is refused, and no resolver is asked", ([url, sentence]) =>
    Effect.gen(function* () {
      const { asked, run, sent } = transport({
        "receiver.test": answers(publicAddress),
        localhost: answers(publicAddress)
      })
      expect(yield* run(({ send }) => send({ ...request, url }))).toEqual(denied(sentence))
      expect(yield* run(({ check }) => check(url))).toEqual(denied(sentence))
      expect([asked, sent]).toEqual([[], []])
    })
  )

  it.effect.each([
    [{ method: "CONNECT" }, /method/],
    [{ headers: { "x-a": "hunter2\r\nx-b: c" } }, /x-a/]
  ] as const)("with %o is refused", ([wrong, sentence]) =>
    Effect.gen(function* () {
      const { run, sent } = transport({ "receiver.test": answers(publicAddress) })
      expect(yield* run(({ send }) => send({ ...request, ...wrong }))).toEqual(denied(sentence))
      expect(sent).toEqual([])
    })
  )

  it.effect("may go to http and to this machine when the operator says so, each alone", () =>
    Effect.gen(function* () {
      const { asked, run, sent } = transport({ "receiver.test": answers(publicAddress, "127.0.0.1") })
      const send = (url: string, options: EgressOptions) => run((egress) => egress.send({ ...request, url }), options)
      expect(yield* send("http://localhost:4000/", { allowHttp: true })).toEqual(denied(/loopback/))
      expect(yield* send("http://localhost:4000/", { allowLoopback: true })).toEqual(denied(/https/))
      const both = { allowHttp: true, allowLoopback: true }
      expect(yield* send("http://10.0.0.1/", both)).toEqual(denied(/private/))
      expect(yield* send("http://0.0.0.0/", both)).toEqual(denied(/0\.0\.0\.0/))
      expect(sent).toEqual([])
      yield* send("http://localhost:4000/", both)
      yield* send("http://[::1]:4000/", both)
      yield* send("http://receiver.test/", both)
      expect(sent.map(({ address, port, secure }) => [address, port, secure])).toEqual([
        ["127.0.0.1", 4000, false],
        ["::1", 4000, false],
        [publicAddress, 80, false]
      ])
      expect(asked).toEqual(["receiver.test"])
    })
  )
})

describe("The next address of a name", () => {
  const dead = (reason: "unreachable" | "reset" | "tls") => () => Effect.fail(EgressFailed.of(reason))
  const many = answers("2606:4700::1", "93.184.216.34", "93.184.216.35", "93.184.216.36", "93.184.216.37")

  it.effect("is tried when nothing was sent to the one before, and of many only three", () =>
    Effect.gen(function* () {
      const { run, sent } = transport({ "receiver.test": many }, dead("unreachable"))
      expect(yield* run(({ send }) => send(request))).toEqual(failed("unreachable"))
      expect(sent.map(({ address }) => address)).toEqual(["93.184.216.34", "93.184.216.35", "93.184.216.36"])
    })
  )

  it.effect.each(["reset", "tls"] as const)("is left alone after a failure that is another: %s", (reason) =>
    Effect.gen(function* () {
      const { run, sent } = transport({ "receiver.test": many }, dead(reason))
      expect(yield* run(({ send }) => send(request))).toEqual(failed(reason))
      expect(sent).toHaveLength(1)
    })
  )
})

describe("A name that cannot be resolved", () => {
  it.effect("is denied by a check, and fails an attempt, which is made again", () =>
    Effect.gen(function* () {
      const { run } = transport({})
      expect(yield* run(({ check }) => check(request.url))).toEqual(denied(/could not be resolved \(ENOTFOUND\)/))
      expect(yield* run(({ send }) => send(request))).toEqual(failed("unresolved"))
    })
  )

  it.effect("is one whose answers are no addresses", () =>
    Effect.gen(function* () {
      const { run, sent } = transport({ "receiver.test": answers("localhost", "") })
      expect(yield* run(({ send }) => send(request))).toEqual(failed("unresolved"))
      expect(sent).toEqual([])
    })
  )

  it.effect("is one whose resolver says nothing for ten seconds, for a check", () =>
    Effect.gen(function* () {
      const { run } = transport({ "receiver.test": Effect.never })
      const checking = yield* Effect.forkChild(run(({ check }) => check(request.url)))
      yield* TestClock.adjust("9999 millis")
      expect(checking.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(checking)).toEqual(denied(/could not be resolved/))
    })
  )
})

describe("The deadline", () => {
  it.effect("is one for resolving and all connections, and ends what is on its way", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<boolean>()
      const { run, sent } = transport(
        { "receiver.test": Effect.delay(answers("93.184.216.34", "93.184.216.35"), "6 seconds") },
        ({ address }) =>
          address === "93.184.216.34"
            ? Effect.delay(Effect.fail(EgressFailed.of("unreachable")), "6 seconds")
            : Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, true))
      )
      const sending = yield* Effect.forkChild(run(({ send }) => send(request)))
      yield* TestClock.adjust("14999 millis")
      expect([sent.length, sending.pollUnsafe()]).toEqual([2, undefined])
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(sending)).toEqual(failed("timeout"))
      expect(yield* Deferred.await(ended)).toBe(true)
    })
  )
})
