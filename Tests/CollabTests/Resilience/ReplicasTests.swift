import CollabTesting
import Testing

@testable import Collab

@Suite("Replicas of a model")
struct ReplicasTests {
    let clock = VirtualClock()
    let down = Protected<Set<String>>([])

    /// A server that answers with its name unless it is down.
    private func server(_ name: String, _ error: CollabError = .overloaded) -> ScriptedModel {
        ScriptedModel(name) { [down] (_, _) throws(CollabError) in
            if down.withLock({ $0.contains(name) }) { throw error }
            return ScriptedAnswer(name)
        }
    }

    private func trio(
        _ policy: ReplicaPolicy = .roundRobin,
        affinity: ReplicaAffinity? = nil
    ) -> (Replicas<TextAccess>, [ScriptedModel]) {
        let servers = ["a", "b", "c"].map { server($0) }
        let replicas = Replicas("m", choosing: policy, affinity: affinity) {
            for server in servers { server }
        }
        return (replicas, servers)
    }

    private func asks(_ replicas: Replicas<TextAccess>, _ count: Int, in run: Run? = nil) async throws
        -> [String]
    {
        let run = run ?? Run(clock: clock)
        var texts: [String] = []
        for _ in 0..<count { texts.append(try await replicas.respond(to: "?", in: run).text) }
        return texts
    }

    // MARK: Policies

    @Test("are asked in turn")
    func roundRobin() async throws {
        #expect(try await asks(trio().0, 5) == ["a", "b", "c", "a", "b"])
    }

    @Test("answer as one model, and the trace says which of them did")
    func oneModel() async throws {
        let answer = try await trio().0.respond(to: "?")
        #expect(answer.model == "m")
        #expect(answer.trace?.root.decisions.first?.choice == "a")
        #expect(answer.trace?.calls.map(\.name) == ["a"])
    }

    @Test("are asked in proportion to their weights")
    func weights() async throws {
        let texts = try await asks(trio(.weighted([3, 1, 0])).0, 400)
        #expect((260...340).contains(texts.count { $0 == "a" }))
        #expect(texts.count { $0 == "c" } == 0)
        let error = await outcome(of: trio(.weighted([1])).0).error
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("1 weights for 3 replicas") == true)
    }

    @Test("without weight are asked only if there is nobody else")
    func zeroWeight() async throws {
        down.withLock { $0 = ["a", "b"] }
        #expect(try await asks(trio(.weighted([3, 1, 0])).0, 3) == ["c", "c", "c"])
    }

    @Test("are asked by their price, and the dearer ones while the cheapest is down")
    func cheapest() async throws {
        let prices = [2, 1, 3].map { Price(promptPerMillion: $0, completionPerMillion: $0) }
        let (replicas, _) = trio(.cheapest(prices))
        #expect(try await asks(replicas, 3) == ["b", "b", "b"])
        down.withLock { $0 = ["b"] }
        #expect(try await asks(replicas, 3) == ["a", "a", "a"])
    }

    @Test("are asked where less is under way, of two that are drawn")
    func leastBusy() {
        var table = ReplicaTable(count: 2, policy: .leastBusy, ejection: CircuitRule())
        var random = SeededGenerator(seed: 1)
        for _ in 0..<100 {
            _ = table.assign(excluding: [], affinity: nil, at: .zero, random: &random)
        }
        #expect(table.rows.map(\.underWay) == [50, 50])
        // Of many, nobody gets far more than the others.
        var wide = ReplicaTable(count: 10, policy: .leastBusy, ejection: CircuitRule())
        for _ in 0..<1000 { _ = wide.assign(excluding: [], affinity: nil, at: .zero, random: &random) }
        #expect(wide.rows.allSatisfy { (96...104).contains($0.underWay) })
    }

    @Test("are all asked also if every call begins a run of the same seed")
    func sameSeeds() async throws {
        for policy in [ReplicaPolicy.leastBusy, .weighted([1, 1, 1])] {
            let (replicas, servers) = trio(policy)
            for _ in 0..<60 { _ = try await replicas.respond(to: "?", in: Run(seed: 0)) }
            #expect(servers.allSatisfy { $0.callCount > 10 })
        }
    }

    @Test("are asked where answers began soonest, and a slow one is tried again after a while")
    func lowestLatency() throws {
        var table = ReplicaTable(count: 2, policy: .lowestLatency, ejection: CircuitRule())
        var random = SeededGenerator(seed: 1)
        func ask(at time: Double, _ latencies: [Double]) throws -> Int {
            let now = Duration.seconds(time)
            let next = try #require(table.assign(excluding: [], affinity: nil, at: now, random: &random))
            table.succeed(next, beganAfter: .seconds(latencies[next.index]), at: now)
            return next.index
        }
        let first = try [ask(at: 0, [0.1, 0.4]), ask(at: 0, [0.1, 0.4])]
        #expect(Set(first) == [0, 1])
        for _ in 0..<20 { #expect(try ask(at: 1, [0.1, 0.4]) == 0) }
        // While the first is busy with calls asked just now, the second is known only by what it was.
        #expect(try ask(at: 2, [0.1, 0.4]) == 0)
        var later: [Int] = []
        for second in stride(from: 10.0, to: 200, by: 10) { later.append(try ask(at: second, [0.1, 0.05])) }
        #expect(later.contains(1))
        #expect(later.last == 1)
    }

    @Test("keep a conversation together, and move only those of a replica that leaves")
    func affinity() async throws {
        let (replicas, servers) = trio(.roundRobin, affinity: .conversation)
        let run = Run(clock: clock)
        func home(_ conversation: Int) async throws -> String {
            let request = Request([.user("topic \(conversation)"), .assistant("…"), .user("and then?")])
            return try await replicas.respond(to: request, in: run).text
        }
        var before: [String] = []
        for index in 0..<30 { before.append(try await home(index)) }
        #expect(Set(before).count == 3)
        for index in 0..<30 { #expect(try await home(index) == before[index]) }
        down.withLock { $0 = ["a"] }
        for index in 0..<30 {
            let now = try await home(index)
            if before[index] != "a" { #expect(now == before[index]) } else { #expect(now != "a") }
        }
        #expect(servers[0].callCount > 0)
    }

    @Test("do not keep together what one of them cannot carry")
    func boundedLoad() {
        var table = ReplicaTable(count: 4, policy: .leastBusy, ejection: CircuitRule())
        var random = SeededGenerator(seed: 1)
        for _ in 0..<40 { _ = table.assign(excluding: [], affinity: 7, at: .zero, random: &random) }
        #expect(table.rows.map(\.underWay).max()! <= 14)
    }

    // MARK: Failing over

    @Test("answer every call while one of them is down, which is left out and comes back when it is well")
    func oneDown() async throws {
        let (replicas, servers) = trio()
        down.withLock { $0 = ["b"] }
        let run = Run(clock: clock)
        let texts = try await asks(replicas, 60, in: run)
        #expect(!texts.contains("b"))
        #expect(servers[1].callCount == 5)
        let health = replicas.health[1]
        #expect(health.failures == 5)
        #expect(health.lastFailure?.contains("Overloaded") == true)
        down.withLock { $0 = [] }
        clock.advance(by: .seconds(6))
        #expect(try await asks(replicas, 6, in: run).count { $0 == "b" } >= 2)
    }

    @Test("are each asked once at most in a call, and the error lists them all")
    func allDown() async throws {
        let (replicas, servers) = trio()
        down.withLock { $0 = ["a", "b", "c"] }
        let error = await outcome(of: replicas, in: Run(clock: clock)).error
        #expect(error?.code == .replicasDown)
        #expect(servers.map(\.callCount) == [1, 1, 1])
        let cause = try #require(error?.cause as? ReplicasDown)
        #expect(cause.members.map(\.name) == ["a", "b", "c"])
        #expect(cause.members.allSatisfy { $0.wasAsked && $0.lastFailure != nil })
    }

    @Test("that are all left out say when the first is tried again; retries around them wait for it")
    func allEjected() async throws {
        let (replicas, servers) = trio()
        down.withLock { $0 = ["a", "b", "c"] }
        let run = Run(clock: clock)
        for _ in 0..<8 { _ = await outcome(of: replicas, in: run) }
        #expect(servers.map(\.callCount) == [5, 5, 5])
        let error = await outcome(of: replicas, in: run).error
        let wait = try #require(error?.traits.retryAfter)
        #expect((5...5.5).contains(wait.inSeconds))
        #expect(error?.message.contains("left out, tried again in") == true)
        down.withLock { $0 = [] }
        let task = Task { try await replicas.retrying().respond(to: "?", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(7))
        #expect(try await task.value.model == "m")
    }

    @Test("do not pass a refused request around")
    func refused() async {
        let servers = ["a", "b"].map { server($0, CollabError(.contextOverflow, "Too long.")) }
        down.withLock { $0 = ["a", "b"] }
        let replicas = Replicas("m") { for server in servers { server } }
        #expect(await outcome(of: replicas).error?.code == .contextOverflow)
        #expect(servers.map(\.callCount).reduce(0, +) == 1)
    }

    @Test("do not begin a second answer behind a piece of the first, unless asked to go on")
    func midStream() async throws {
        let spare = ScriptedModel("b", always: " three")
        func replicas(_ afterOutput: AfterOutput) -> Replicas<TextAccess> {
            let half = ScriptedModel("a", always: "one two")
                .injecting(.failureAfter(pieces: 1, CollabError(.transport, "Gone."))) { _ in true }
            return Replicas("m", choosing: .roundRobin, afterOutput: afterOutput) {
                half; spare
            }
        }
        let error = await #expect(throws: CollabError.self) {
            for try await _ in replicas(.fail).stream("?").text {}
        }
        #expect(error?.code == .transport)
        var text = ""
        for try await piece in replicas(.resume).stream("?").text { text += piece }
        #expect(text == "one three")
    }

    @Test("repeat a call that may have been charged for only as told")
    func billed() async {
        down.withLock { $0 = ["a", "b"] }
        for repeats in [true, false] {
            let servers = ["a", "b"].map { server($0, .lostAnswer) }
            let replicas = Replicas("m", choosing: .roundRobin, repeatsPossiblyBilled: repeats) {
                for server in servers { server }
            }
            #expect(await outcome(of: replicas).error != nil)
            #expect(servers.map(\.callCount) == (repeats ? [1, 1] : [1, 0]))
        }
    }

    @Test("refuse to be none")
    func none() async {
        let replicas = Replicas("m") {}
        #expect(await outcome(of: replicas).error?.code == .emptyTeam)
    }
}

@Suite("What other routers got wrong, replicas do not")
struct RouterRegressionTests {
    let clock = VirtualClock()

    private func broken(_ name: String, _ error: CollabError = .overloaded) -> ScriptedModel {
        ScriptedModel(name) { (_, _) throws(CollabError) in throw error }
    }

    @Test("every failed attempt counts, also those of one call (litellm#32574)")
    func everyAttempt() async {
        let replicas = Replicas("m", choosing: .roundRobin) {
            broken("a"); broken("b")
        }
        let run = Run(clock: clock)
        _ = await outcome(of: replicas.retrying(Retry(attempts: 3, delay: .zero)), in: run)
        #expect(replicas.health.map(\.failures) == [3, 3])
    }

    @Test("the one that is fallen back to is left out as well when it fails (litellm#34416, #35104)")
    func spare() async {
        let replicas = Replicas("m", choosing: .weighted([1, 0])) {
            broken("a"); broken("b")
        }
        for _ in 0..<6 { _ = await outcome(of: replicas, in: Run(clock: clock)) }
        for health in replicas.health { #expect(health.calls == 5) }
    }

    @Test("an answer that was under way does not end a cool-down (litellm#31876)")
    func lateSuccess() throws {
        var table = ReplicaTable(count: 2, policy: .roundRobin, ejection: CircuitRule(failuresInARow: 1))
        var random = SeededGenerator(seed: 1)
        let early = try #require(table.assign(excluding: [1], affinity: nil, at: .zero, random: &random))
        let failing = try #require(table.assign(excluding: [1], affinity: nil, at: .zero, random: &random))
        table.fail(failing, .overloaded, at: .zero, draw: 0)
        table.succeed(early, beganAfter: .seconds(1), at: .seconds(1))
        #expect(table.wait(0, at: .seconds(1)) == .seconds(4))
    }

    @Test("the only replica is never left out (litellm#8668)")
    func only() async {
        let server = broken("a")
        let replicas = Replicas("m") { server }
        for _ in 0..<20 { #expect(await outcome(of: replicas).error?.code == .serverError) }
        #expect(server.callCount == 20)
    }

    @Test("a call with retries waits for the first to leave its cool-down instead of failing (litellm#3646)")
    func waits() async throws {
        let server = ScriptedModel("a", always: "1").failing(on: 1)
        let replicas = Replicas("m", choosing: .roundRobin, ejection: CircuitRule(failuresInARow: 1)) {
            server; broken("b")
        }
        let run = Run(clock: clock)
        _ = await outcome(of: replicas, in: run)
        let task = Task { try await replicas.retrying().respond(to: "?", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(10))
        #expect(try await task.value.text == "1")
    }

    @Test(
        "one that fails at once does not look fast, and does not draw the calls of all (fail-fast black hole)"
    )
    func blackHole() async throws {
        let bad = broken("bad")
        let good = ScriptedModel("good", always: "1")
        for policy in [ReplicaPolicy.lowestLatency, .leastBusy] {
            let replicas = Replicas("m", choosing: policy) {
                bad; good
            }
            for _ in 0..<100 { #expect(await outcome(of: replicas, in: Run(clock: clock)).error == nil) }
            #expect(replicas.health[0].calls <= 5)
            #expect(replicas.health[0].latency == nil)
        }
    }

    @Test("one that asks for fewer calls is left alone for as long as it asks, and is not called ill")
    func rest() async throws {
        let busy = ScriptedModel("a", always: "a").failing(on: 1, with: .throttled(for: .seconds(30)))
        let replicas = Replicas("m", choosing: .roundRobin) {
            busy; ScriptedModel("b", always: "b")
        }
        let run = Run(clock: clock)
        for _ in 0..<5 { #expect(try await replicas.respond(to: "?", in: run).text == "b") }
        let now = clock
        let health = replicas.table.withLock {
            ($0.wait(0, at: now.now), $0.rows[0].circuit.state(at: now.now))
        }
        #expect(health.0 == .seconds(30))
        #expect(health.1 == .closed)
        clock.advance(by: .seconds(30))
        #expect(
            try await [replicas.respond(to: "?", in: run).text, replicas.respond(to: "?", in: run).text]
                .contains("a")
        )
    }

    @Test("a wrong key leaves one out at once, whatever the others do")
    func wrongKey() async throws {
        let wrong = broken("a", CollabError(.unauthorized, "Wrong key."))
        let replicas = Replicas("m", choosing: .roundRobin) {
            wrong; ScriptedModel("b", always: "b")
        }
        for _ in 0..<10 { #expect(try await replicas.respond(to: "?", in: Run(clock: clock)).text == "b") }
        #expect(wrong.callCount == 1)
    }

    @Test("a cancelled call is no failure and leaves nothing under way")
    func cancelled() async throws {
        let stuck = ScriptedModel("a", always: ScriptedAnswer("1", delay: .seconds(60)))
        let replicas = Replicas("m") { stuck }
        let task = Task { await outcome(of: replicas, in: Run(clock: clock)) }
        await clock.waitForSleepers()
        #expect(replicas.health[0].underWay == 1)
        task.cancel()
        #expect(await task.value.error?.code == .cancelled)
        #expect(replicas.health[0].underWay == 0)
        #expect(replicas.health[0].failures == 0)
    }
}

@Suite("Replicas that show their logits")
struct LogitReplicasTests {
    private func model(_ name: String, _ vocabulary: [String] = ["A", "B"]) -> ScriptedLogitModel {
        ScriptedLogitModel(name, vocabulary: vocabulary) { prefix in
            prefix.hasSuffix("B") ? [ScriptedLogitModel.end: 1] : ["A": 0.3, "B": 0.7]
        }
    }

    @Test("are a logit model, which can be fused")
    func fuses() async throws {
        let (a, b) = (model("a"), model("b"))
        let replicas = Replicas("m", choosing: .roundRobin) {
            a; b
        }
        let fused = FuseLogits(.productOfExperts) {
            replicas; model("other")
        }
        #expect(try await fused.respond(to: "A").text == "B")
        #expect(try await replicas.respond(to: "A").text == "B")
        #expect(a.decoderCount + b.decoderCount == 2)
    }

    @Test("must be of one vocabulary")
    func vocabulary() async {
        let replicas = Replicas("m") {
            model("a"); model("b", ["A", "C"])
        }
        let error = await #expect(throws: CollabError.self) { try await replicas.makeDecoder() }
        #expect(error?.code == .vocabularyMismatch)
    }

    @Test("are no more than a text model if one of them shows only text")
    func weakest() {
        let replicas = Replicas("m") {
            model("a"); ScriptedModel("t", always: "1")
        }
        #expect(!((replicas as any TextModel) is any LogitModel))
    }
}
