import Collab
import CollabTesting
import Testing

@Suite("Learning who should hear whom")
struct LearnedTopologyTests {
    /// The share of pairs that are as in a ring: 1 for the ring alone.
    private static func likeness(to target: Topology, of count: Int) -> TopologyEvaluation {
        { topology in
            var equal = 0
            for member in 0..<count {
                let (wanted, found) = (
                    Set(target.heard(by: member, of: count)), Set(topology.heard(by: member, of: count))
                )
                equal += (0..<count).count { $0 != member && wanted.contains($0) == found.contains($0) }
            }
            return Double(equal) / Double(count * (count - 1))
        }
    }

    @Test("by sampling edges finds the graph whose edges each make answers better")
    func edgeSampling() async throws {
        let learned = try await EdgeSampling(iterations: 150, seed: 3)
            .learn(for: 4, evaluating: Self.likeness(to: .ring, of: 4))
        #expect(learned.quality == 1)
        for member in 0..<4 {
            #expect(learned.topology.heard(by: member, of: 4) == Topology.ring.heard(by: member, of: 4))
        }
        #expect(learned.evaluations == 601)
        #expect(learned.history.count == 150 && learned.history == learned.history.sorted())
    }

    @Test(
        "by a swarm is never worse than the complete graph, and better where there is better",
        arguments: [1, 2, 3]
    )
    func swarm(seed: UInt64) async throws {
        let evaluate = Self.likeness(to: .chain, of: 4)
        let complete = try await evaluate(.complete)
        let learned = try await TopologySwarm(particles: 12, iterations: 20, seed: seed)
            .learn(for: 4, evaluating: evaluate)
        #expect(learned.quality > complete)
        #expect(try await evaluate(learned.topology) == learned.quality)
        let none = try await TopologySwarm(particles: 1, iterations: 0).learn(for: 4, evaluating: evaluate)
        #expect(none.quality == complete && none.evaluations == 1)
    }

    @Test("gives the same graph for the same seed, which a debate can use and JSON can keep")
    func reproducible() async throws {
        let evaluate = Self.likeness(to: .star(), of: 3)
        let first = try await TopologySwarm(seed: 5).learn(for: 3, evaluating: evaluate)
        #expect(try await TopologySwarm(seed: 5).learn(for: 3, evaluating: evaluate) == first)
        let (a, b, c) = (debater("a", "1"), debater("b", "2"), debater("c", "3"))
        let debate = Debate("d", DebateRules(rounds: 1, answers: .numeric, topology: first.topology)) {
            a; b; c
        }
        _ = try await debate.respond(to: "?")
    }

    @Test("passes on what the evaluation throws, and refuses what is no figure")
    func failures() async throws {
        func code(_ evaluate: @escaping TopologyEvaluation, members: Int = 2) async -> CollabError.Code? {
            do {
                let learned = try await EdgeSampling(iterations: 1).learn(for: members, evaluating: evaluate)
                Issue.record("\(learned) was learned.")
                return nil
            } catch {
                return error.code
            }
        }
        struct Broken: Error {}
        #expect(await code({ _ in throw Broken() }) == .callerFailed)
        #expect(await code({ _ in throw CollabError(.transport, "No.") }) == .transport)
        #expect(await code({ _ in .nan }) == .notFinite)
        #expect(await code({ _ in 1 }, members: 1) == .invalidRequest)
    }
}
