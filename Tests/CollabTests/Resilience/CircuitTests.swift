import CollabTesting
import Testing

@testable import Collab

@Suite("A circuit")
struct CircuitMachineTests {
    private func seconds(_ value: Double) -> Duration { .seconds(value) }

    private func pass(_ machine: inout CircuitMachine, at time: Double) -> CircuitMachine.Ticket? {
        try? machine.admit(at: seconds(time)).get()
    }

    private func fail(_ machine: inout CircuitMachine, at time: Double) {
        guard let ticket = pass(&machine, at: time) else { return }
        machine.fail(ticket, at: seconds(time), draw: 0)
    }

    @Test("opens after failures in a row, lets one call through after a while, and closes if it succeeds")
    func cycle() throws {
        var machine = CircuitMachine(rule: CircuitRule(failuresInARow: 3))
        for _ in 0..<2 { fail(&machine, at: 0) }
        #expect(machine.state(at: .zero) == .closed)
        fail(&machine, at: 0)
        #expect(machine.state(at: seconds(1)) == .open(.seconds(4)))
        #expect(pass(&machine, at: 4.9) == nil)
        let probe = try #require(pass(&machine, at: 5))
        #expect(probe.isProbe)
        #expect(machine.state(at: seconds(5)) == .halfOpen)
        #expect(pass(&machine, at: 5) == nil)
        machine.succeed(probe, at: seconds(5))
        #expect(machine.state(at: seconds(5)) == .closed)
        #expect(pass(&machine, at: 5)?.isProbe == false)
    }

    @Test("stays open twice as long after every failed probe, up to a limit")
    func backOff() throws {
        var machine = CircuitMachine(rule: CircuitRule(failuresInARow: 1))
        fail(&machine, at: 0)
        var (time, cooldowns) = (0.0, [Double]())
        for _ in 0..<6 {
            let wait = machine.wait(at: seconds(time)).inSeconds
            cooldowns.append(wait)
            time += wait
            fail(&machine, at: time)
        }
        #expect(cooldowns == [5, 10, 20, 40, 60, 60])
    }

    @Test("opens at a share of failures within a window, once there are enough calls")
    func rate() throws {
        var machine = CircuitMachine(rule: CircuitRule(minimumCalls: 4, failuresInARow: 0))
        for index in 0..<3 {
            fail(&machine, at: Double(index))
            #expect(machine.state(at: seconds(3)) == .closed)
        }
        machine.succeed(try #require(pass(&machine, at: 3)), at: seconds(3))
        fail(&machine, at: 3)
        #expect(machine.state(at: seconds(3)) != .closed)
        // The same failures, spread over more than the window, open nothing.
        var slow = CircuitMachine(rule: CircuitRule(minimumCalls: 4, failuresInARow: 0))
        for index in 0..<8 { fail(&slow, at: Double(index) * 12) }
        #expect(slow.state(at: seconds(100)) == .closed)
    }

    @Test("does not count what began before it opened")
    func late() throws {
        var machine = CircuitMachine(rule: CircuitRule(failuresInARow: 1))
        let early = try #require(pass(&machine, at: 0))
        let other = try #require(pass(&machine, at: 0))
        fail(&machine, at: 1)
        machine.succeed(early, at: seconds(2))
        #expect(machine.state(at: seconds(2)) == .open(.seconds(4)))
        machine.fail(other, at: seconds(3), draw: 0)
        #expect(machine.state(at: seconds(3)) == .open(.seconds(3)))
    }

    @Test("is not held half open by a probe that is cancelled or never returns")
    func lostProbes() throws {
        var machine = CircuitMachine(rule: CircuitRule(failuresInARow: 1))
        fail(&machine, at: 0)
        let probe = try #require(pass(&machine, at: 5))
        machine.abandon(probe, at: seconds(5))
        #expect(pass(&machine, at: 5)?.isProbe == true)
        #expect(pass(&machine, at: 64) == nil)
        #expect(pass(&machine, at: 65)?.isProbe == true)
    }

    @Test("forgets how often it opened after a good while")
    func forgets() throws {
        var machine = CircuitMachine(rule: CircuitRule(failuresInARow: 1))
        fail(&machine, at: 0)
        machine.succeed(try #require(pass(&machine, at: 5)), at: seconds(5))
        fail(&machine, at: 6)
        #expect(machine.wait(at: seconds(6)) == .seconds(10))
        machine.succeed(try #require(pass(&machine, at: 16)), at: seconds(16))
        fail(&machine, at: 50)
        #expect(machine.wait(at: seconds(50)) == .seconds(5))
    }
}

@Suite("A model behind a circuit breaker")
struct CircuitBreakingTests {
    let clock = VirtualClock()
    let isDown = Protected(true)

    private func server(_ error: CollabError = .overloaded) -> ScriptedModel {
        ScriptedModel("m") { [isDown] (_, _) throws(CollabError) in
            if isDown.withLock({ $0 }) { throw error }
            return "1"
        }
    }

    @Test("is left alone after five failures, then tried once, and asked again when it is well")
    func cycle() async throws {
        let base = server()
        let model = base.circuitBreaking()
        let run = Run(clock: clock)
        for _ in 0..<8 { _ = await outcome(of: model, in: run) }
        #expect(base.callCount == 5)
        let error = await outcome(of: model, in: run).error
        #expect(error?.code == .circuitOpen)
        #expect(error?.message.contains("tried again in") == true)
        let wait = try #require(error?.traits.retryAfter)
        #expect((5.0...5.5).contains(wait.inSeconds))
        clock.advance(by: wait)
        isDown.withLock { $0 = false }
        #expect(try await model.respond(to: "?", in: run).text == "1")
        #expect(model.breaker.state == .closed)
    }

    @Test("is not judged by rate limits, refused requests or cancellations")
    func innocent() async {
        for error in [.throttled(for: nil), CollabError(.invalidRequest, "No."), .cancelled] {
            let base = server(error)
            let model = base.circuitBreaking()
            for _ in 0..<20 { _ = await outcome(of: model, in: Run(clock: clock)) }
            #expect(base.callCount == 20)
        }
    }

    @Test("is left alone at once if the credentials are refused")
    func credentials() async {
        let base = server(CollabError(.unauthorized, "Wrong key."))
        let model = base.circuitBreaking()
        for _ in 0..<3 { _ = await outcome(of: model, in: Run(clock: clock)) }
        #expect(base.callCount == 1)
    }

    @Test("is waited for by retries around it, until the circuit is tried again")
    func retrying() async throws {
        let base = server()
        let model = base.circuitBreaking(CircuitRule(failuresInARow: 1)).retrying(Retry(attempts: 2))
        let run = Run(clock: clock)
        _ = await outcome(of: base.circuitBreaking(model.base.breaker), in: run)
        isDown.withLock { $0 = false }
        let task = Task { try await model.respond(to: "?", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(7))
        #expect(try await task.value.text == "1")
    }

    @Test("lets the next call be the probe if the first probe is cancelled")
    func cancelledProbe() async throws {
        let gate = Gate()
        let calls = Protected(0)
        let base = ScriptedModel("m") { [clock] (_, call) throws(CollabError) in
            if call == 0 { throw .overloaded }
            if call == 1 {
                gate.open()
                try await clock.sleep(for: .seconds(1000))
            }
            calls.withLock { $0 += 1 }
            return "1"
        }
        let model = base.circuitBreaking(CircuitRule(failuresInARow: 1))
        let run = Run(clock: clock)
        _ = await outcome(of: model, in: run)
        clock.advance(by: .seconds(6))
        let probe = Task { try await model.respond(to: "?", in: run) }
        await gate.wait()
        #expect(await outcome(of: model, in: run).error?.message.contains("being tried right now") == true)
        probe.cancel()
        await #expect(throws: CollabError.self) { try await probe.value }
        #expect(try await model.respond(to: "?", in: run).text == "1")
    }
}
