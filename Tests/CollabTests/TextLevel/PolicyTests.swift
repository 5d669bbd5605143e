import Collab
import CollabTesting
import Testing

@Suite("A topology")
struct TopologyTests {
    private func graph(_ topology: Topology, _ count: Int) -> [[Int]] {
        (0..<count).map { topology.heard(by: $0, of: count) }
    }

    @Test("of a tree lets each member hear the one above and those below")
    func tree() {
        #expect(graph(.tree(branching: 2), 6) == [[1, 2], [0, 3, 4], [0, 5], [1], [1], [2]])
        #expect(graph(.tree(branching: 1), 3) == [[1], [0, 2], [1]])
    }

    @Test("drawn at random is connected, symmetric, of the density asked for, and the same for the same seed")
    func random() {
        for seed in UInt64(0)..<20 {
            let topology = Topology.random(density: 0.5, seed: seed)
            let graph = graph(topology, 8)
            #expect(graph == self.graph(topology, 8))
            #expect(topology.density(of: 8) == 0.5)
            var reached: Set<Int> = [0]
            for _ in 0..<8 { reached.formUnion(reached.flatMap { graph[$0] }) }
            #expect(reached.count == 8)
            for (member, heard) in graph.enumerated() {
                #expect(heard.allSatisfy { graph[$0].contains(member) })
            }
        }
        #expect(graph(.random(density: 0.5, seed: 1), 8) != graph(.random(density: 0.5, seed: 2), 8))
        #expect(graph(.random(density: 1), 4) == graph(.complete, 4))
        // A tree is the least that connects.
        #expect(Topology.random(density: 0).density(of: 5) == 0.4)
    }

    @Test("lets nobody hear or be heard who is not of the team")
    func strangers() {
        let shapes: [Topology] = [.complete, .ring, .chain, .star(), .tree(), .random(density: 0.5)]
        for shape in shapes {
            for stranger in [-1, 3, .max] { #expect(shape.heard(by: stranger, of: 3) == []) }
            #expect(shape.heard(by: 0, of: 0) == [])
        }
    }

    @Test("has the density that its shape says")
    func density() {
        #expect(Topology.complete.density(of: 5) == 1)
        #expect(Topology.ring.density(of: 5) == 0.5)
        #expect(Topology.complete.density(of: 1) == 0)
    }
}

@Suite("Further rules of a debate")
struct PolicyTests {
    private func ending(_ rules: DebateRules, _ members: [ScriptedModel], budget: Budget = .unlimited)
        async throws -> String?
    {
        let debate = Debate("debate", rules) { members as [any TextModel] }
        return try await debate.respond(to: "?", in: Run(budget: budget)).trace?.root.note("ended by")
    }

    @Test("alternate: one member speaks a round, and may end the talk")
    func alternating() async throws {
        let members = [debater("a", "1"), debater("b", "2", "1")]
        let rules = DebateRules(rounds: 4, answers: .numeric, order: .alternating)
        #expect(try await ending(rules, members) == "unanimity, after round 2")
        #expect(members.map(\.callCount) == [2, 2])
    }

    @Test(
        "remind a member of as much of its own history as they say",
        arguments: [
            (Visibility.OwnHistory.hidden, [Message.Role.user]),
            (.latest, [.user, .assistant, .user]),
            (.everything, [.user, .assistant, .user]),
        ]
    )
    func ownHistory(history: Visibility.OwnHistory, roles: [Message.Role]) async throws {
        let a = debater("a", "It is 1", "I say 3", "Surely 4")
        let rules = DebateRules(
            rounds: 2,
            answers: .numeric,
            visibility: Visibility(isGrouped: true, ownHistory: history)
        )
        let debate = Debate("debate", rules) {
            a; debater("b", "2")
        }
        _ = try await debate.respond(to: "?")
        #expect(a.requests[2].messages.map(\.role) == roles)
        let own = a.requests[2].messages.filter { $0.role == .assistant }.map(\.text)
        #expect(own == (history == .hidden ? [] : history == .latest ? ["I say 3"] : ["It is 1\n\nI say 3"]))
    }

    @Test("show only what is new, so that a debate without news ends")
    func news() async throws {
        let members = [debater("a", "1"), debater("b", "2", "3", "3"), debater("c", "1")]
        let rules = DebateRules(rounds: 5, answers: .numeric, visibility: .news)
        #expect(try await ending(rules, members) == "nothing new to say, after round 2")
        // In round 1 everybody hears news; in round 2 only what b has said anew.
        #expect(members.map(\.callCount) == [3, 2, 3])
    }

    @Test("stop when the leading answer is probably the most frequent one")
    func betaPosterior() async throws {
        // P(Binomial(a + b + 1, ½) ≤ a): 4 : 0 gives 31/32, 3 : 0 gives 15/16.
        func members(_ count: Int) -> [ScriptedModel] { (0..<count).map { debater("m\($0)", "1") } }
        let rules = DebateRules(rounds: 0, answers: .numeric, until: .betaPosterior())
        #expect(try await ending(rules, members(4)) == "beta posterior above 0.95, after the opening")
        #expect(try await ending(rules, members(3)) == "0 rounds, after the opening")
    }

    @Test("stop when the answers come no nearer to each other")
    func entropySlope() async throws {
        let members = [debater("a", "1", "2", "1"), debater("b", "2", "1", "2")]
        let rules = DebateRules(rounds: 5, answers: .numeric, until: .entropySlope(over: 2))
        #expect(
            try await ending(rules, members) == "entropy that does not fall over 2 rounds, after round 2"
        )
    }

    @Test("stop when so many rounds have changed nothing")
    func stableFor() async throws {
        let members = [debater("a", "1"), debater("b", "2")]
        let rules = DebateRules(rounds: 5, answers: .numeric, until: .stable(for: 2))
        #expect(try await ending(rules, members) == "stable answers for 2 rounds, after round 2")
    }

    @Test("stop when a share of the budget is used, or the time is over")
    func spending() async throws {
        let rules = DebateRules(rounds: 9, answers: .numeric, until: .budget(share: 0.5))
        let members = [debater("a", "1"), debater("b", "2")]
        #expect(try await ending(rules, members, budget: .calls(8)) == "0.5 of the budget, after round 1")
        let late = DebateRules(rounds: 9, answers: .numeric, until: .unanimity || .deadline(.zero))
        let others = [debater("a", "1"), debater("b", "2")]
        #expect(try await ending(late, others) == "a deadline of 0.0 seconds, after the opening")
    }

    @Test("count first and last answers where the talk ends without agreement")
    func firstAndLast() async throws {
        let debate = Debate(rounds: 1, answers: .numeric) {
            debater("a", "1", "2"); debater("b", "1", "1"); debater("c", "2", "3")
        }
        let answer = try await debate.respond(to: "?")
        #expect(answer.trace?.root.note("votes") == "1 ×3, 2 ×2, 3 ×1")
        #expect(answer.text == "1")
    }
}
