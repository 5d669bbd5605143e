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

    @Test(
        "of a beam search those of the answer's own beam are told, whichever forks it came from",
        arguments: 1...4
    )
    func beams(width: Int) async throws {
        let processed = Self.fused.processed(by: TokenBias([3: -1]))
        for (model, name) in [
            (Self.fused.searchingBeams(BeamSearch(width: width)) as any TextModel, "alone"),
            (processed.searchingBeams(BeamSearch(width: width)), "behind a processor"),
        ] {
            let run = Run()
            let options = GenerationOptions(maximumTokens: 10)
            let response = try await model.respond(to: .completion("a", options: options), in: run)
            #expect(response.text == "bbbbbbbbbb")
            let call = try #require(run.trace?.calls.first)
            for key in ["formula", "tokens", "interventions", "agreement", "contribution"] {
                #expect(call.notes.count { $0.key == key } == 1, "\(key), \(name)")
            }
            #expect(call.note("tokens") == "10", "\(name)")
            #expect(call.note("interventions")?.hasPrefix("1 (10 of 10") == true, "\(name)")
            #expect(call.note("agreement")?.contains("b 1") == true, "\(name)")
        }
    }

    @Test("a beam that lost its first place to a fork counts what it chose itself, its end included")
    func turningBeams() async throws {
        // b begins worse and goes on surely; what begins with a does not know how to go on.
        func member(_ name: String) -> ToyModel {
            ToyModel(name) { tokens in
                let answer = tokens.dropFirst()
                if answer.isEmpty { return logs(0.5, 0.4, 0.05, 0.04, 0.01) }
                guard answer.first == 1 else { return logs(0.2, 0.2, 0.2, 0.2, 0.2) }
                return answer.count < 4
                    ? logs(0.01, 0.01, 0.96, 0.01, 0.01) : logs(0.01, 0.01, 0.01, 0.01, 0.96)
            }
        }
        let fused = FusedModel(nil, .mixture, members: [member("first"), member("second")])
        let run = Run()
        let options = GenerationOptions(maximumTokens: 10)
        let response = try await fused.searchingBeams(BeamSearch(width: 2))
            .respond(to: .completion("a", options: options), in: run)
        #expect(response.text == "bccc")
        let call = try #require(run.trace?.calls.first)
        // Four tokens and the end.
        #expect(call.note("tokens") == "5")
        #expect(call.note("interventions")?.hasPrefix("0 (0 of 5") == true)
    }

    @Test(
        "members that hand over tell of the tokens that they wrote themselves, and not of what was tried out"
    )
    func switching() async throws {
        let plain = ToyModel("plain", always: logs(0.1, 0.2, 0.6, 0.05, 1e-9))
        for (rule, counts) in [
            (SwitchRule.patches(of: 2, by: .inTurn), [4, 4]), (.patches(of: 2, by: .mostConfident), [0, 8]),
        ] {
            let run = Run()
            let options = GenerationOptions(maximumTokens: 8, sampling: .greedy)
            let model = SwitchingModel(rule, members: [Self.fused, plain])
            let response = try await model.respond(to: .completion("a", options: options), in: run)
            #expect(response.text == (counts[0] > 0 ? "bbccbbcc" : "cccccccc"))
            let call = try #require(run.trace?.calls.first)
            #expect(call.notes.count { $0.key == "formula" } == 1)
            #expect(call.note("tokens")?.hasSuffix("\(counts[0]) · plain \(counts[1])") == true)
            #expect(call.notes.first { $0.key == "tokens" }?.value == "\(counts[0])")
            let told = call.note("interventions")
            #expect(counts[0] == 0 ? told == nil : told?.hasPrefix("1 (4 of 4") == true, "\(told ?? "")")
        }
    }
}
