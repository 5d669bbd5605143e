import Testing

@testable import Collab

@Suite("What the trace tells of fusions within other models")
struct WrappedFusionNotesTests {
    private static let fused = FusedModel(
        nil,
        .mixture,
        members: [
            ToyModel("a", always: logs(0.4, 0.3, 0.2, 0.05, 1e-9)),
            ToyModel("b", always: logs(0.1, 0.6, 0.2, 0.05, 1e-9)),
        ]
    )

    private static func wrapped(_ kind: String) throws -> any LogitModel {
        let polite = ClosureClassifier("polite") { _ in 0.5 }
        let proposer = ModelProposer(ToyModel("draft", always: logs(0.1, 0.6, 0.2, 0.05, 1e-9)))
        switch kind {
        case "alone": return fused
        case "turns": return fused.alternating(.fixed(1))
        case "guesses": return fused.speculating(with: proposer, length: .fixed(2))
        case "turns with guesses":
            return fused.alternating(.fixed(1)).speculating(with: proposer, length: .fixed(2))
        case "constraint": return fused.constrained(to: try .regularExpression("[abcd]+"))
        case "constrained turns":
            return fused.alternating(.fixed(1)).constrained(to: try .regularExpression("[abcd]+"))
        case "processor": return fused.processed(by: TokenBias([3: -1]))
        case "guesses behind a processor":
            return fused.speculating(with: proposer, length: .fixed(2)).processed(by: TokenBias([3: -1]))
        case "classifier": return fused.steered(by: polite)
        case "cascade":
            return TokenCascade(fused, ToyModel("large", always: [9, 0, 0, 0, 0]), deferring: .chow(1))
        default: return fused.role("careful").named("other")
        }
    }

    @Test(
        "interventions, agreement and contributions are told once, whatever the fusion is wrapped in",
        arguments: [
            "alone", "turns", "guesses", "turns with guesses", "constraint", "constrained turns", "processor",
            "guesses behind a processor", "classifier", "cascade", "role",
        ]
    )
    func notes(kind: String) async throws {
        let run = Run()
        let options = GenerationOptions(maximumTokens: 10)
        let response = try await Self.wrapped(kind).respond(to: .completion("a", options: options), in: run)
        #expect(response.text == "bbbbbbbbbb")
        let call = try #require(run.trace?.calls.first)
        for key in ["formula", "interventions", "agreement", "contribution"] {
            #expect(call.notes.count { $0.key == key } == 1, "\(key)")
        }
        // The mixture likes b best with 0.45, and so does its second member.
        #expect(call.note("tokens") == "10")
        #expect(call.note("interventions")?.hasPrefix("1 (10 of 10") == true)
        #expect(call.note("agreement")?.contains("b 1") == true)
        #expect((call.note("guesses") != nil) == (kind.contains("guesses") || kind.contains("turns")))
    }
}
