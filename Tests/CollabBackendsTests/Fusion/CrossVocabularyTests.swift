import Collab
import CollabBackends
import CollabTesting
import Testing

/// SmolLM2 cuts text into 49,152 tokens, Gemma 3 into 262,144 others.
@Suite("Real models of different vocabularies write one answer")
struct CrossVocabularyTests {
    private func members() async throws -> [any LogitModel] {
        [try await NativeFixtures.model(.smolLM2), try await NativeFixtures.model(.gemma3)]
    }

    private func request(_ count: Int) -> Request {
        .completion("The capital of France is", options: GenerationOptions(maximumTokens: count, seed: 1))
    }

    @Test("in the tokens of both vocabularies, one pass a token")
    func union() async throws {
        let members = try await members()
        for fusion in [Fusion.mixture, .productOfExperts, .sharedTop(10)] {
            let fused = FuseUnion(fusion, members: members)
            let run = Run()
            let response = try await fused.respond(to: request(8), in: run)
            #expect(response.text.hasPrefix(" Paris"), "\(fusion)")
            #expect(response.tokens?.count == response.usage.completionTokens)
            #expect(run.trace?.calls.first?.note("agreement") != nil)
        }
        let vocabulary = try FuseUnion(.mixture, members: members).vocabulary()
        // Counted by the research of the tokenizers' files: 46,145 texts are tokens of both.
        #expect(abs(vocabulary.shared(0) - 46_145.0 / 49_135) < 1e-3)
        #expect(abs(vocabulary.shared(1) - 46_145.0 / 255_785) < 1e-3)
    }

    @Test(
        "by words and by patches, each reading what the other has written",
        arguments: [
            SwitchRule.nudging(threshold: 0.6), .mentoring(share: 1, segment: 4), .patches(of: 3),
            .patches(of: 4, by: .mostConfident),
        ]
    )
    func switching(rule: SwitchRule) async throws {
        let members = try await members()
        for members in [members, members.reversed()] {
            let run = Run()
            let model = SwitchingModel(rule, members: Array(members))
            let response = try await model.respond(to: request(16), in: run)
            // Who has the first patch to itself decides how the answer begins; who is asked when in doubt does not.
            if rule.name == SwitchRule.nudging().name { #expect(response.text.hasPrefix(" Paris")) }
            #expect(
                response.text.count > 16 && !response.text.contains("\u{FFFD}"),
                "\(rule.name): \(response.text)"
            )
            #expect(response.usage.completionTokens <= 16 + 3)
            #expect(run.trace?.calls.first?.note("tokens") != nil)
        }
    }
}
