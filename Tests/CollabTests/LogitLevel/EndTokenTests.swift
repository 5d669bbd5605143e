import Testing

@testable import Collab

@Suite("Models of one vocabulary that end their answers differently")
struct EndTokenTests {
    /// Two that write an “a”, a “b”, or their own end; what ends the one's answers is text to the other.
    private static let members = [2, 3].map { end in
        var vocabulary = ToyTokenizer(["a", "b", "<first>", "<second>"])
        vocabulary.endTokens = [TokenID(end)]
        return ToyModel(
            "ending at \(end)",
            vocabulary,
            always: (0..<5).map { logs($0 == end ? 0.78 : $0 < 2 ? 0.1 : 0.01)[0] }
        )
    }

    private static func endProbability(_ model: some LogitModel, _ end: TokenID) async throws -> Double {
        let start = try await model.startDecoding(Request(.completion("a")))
        return exp(start.logits.logprob(of: end))
    }

    @Test("byte by byte, each member's own end is the end", arguments: [[0, 1], [1, 0]])
    func bytes(order: [Int]) async throws {
        let fused = FuseBytes(.mixture) {
            Self.members[order[0]]
            Self.members[order[1]]
        }
        // The token without bytes is never written.
        #expect(abs(try await Self.endProbability(fused, 256) - 0.78 / 0.99) < 1e-4)
    }

    @Test("so it is in a union of vocabularies")
    func union() async throws {
        let fused = FuseUnion(.mixture, members: Self.members)
        let stop = try fused.vocabulary().stop
        #expect(abs(try await Self.endProbability(fused, stop) - 0.78 / 0.99) < 1e-4)
    }

    @Test("a constraint knows each model's ends, whichever it has met first")
    func constraints() async throws {
        var both = ToyTokenizer(["x", "y", "z"])
        both.endTokens = [2, 3]
        var one = both
        one.endTokens = [3]
        let shared = try Constraint.choices(["x", "z"])
        let first = ToyModel("first", both, always: [0, 0, 9, 0]).constrained(to: shared)
        #expect(try await first.respond(to: Request(.completion("y"))).text == "x")
        for constraint in [shared, try .choices(["z"])] {
            let second = ToyModel("second", one, always: [0, 0, 9, 0]).constrained(to: constraint)
            #expect(try await second.respond(to: Request(.completion("y"))).text == "z")
        }
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
