import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Constraints on native models")
struct ConstrainedNativeTests {
    @Test("a classifier answers with one of its labels, on a single model and on a fusion")
    func choices() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let constraint = try Constraint.choices(["positive", "negative"])
        let fusion = FuseLogits(.productOfExperts) {
            model.role("plain")
            model.role("told", instructions: "Judge the mood of the review.")
        }
        let request = Request("Review: I loved every minute of it.\nPositive or negative? One word.")
        for seed in 0..<3 as Range<UInt64> {
            var request = request
            request.options = GenerationOptions(sampling: .temperature(2), seed: seed)
            let single = try await model.constrained(to: constraint).respond(to: request)
            let fused = try await fusion.constrained(to: constraint).respond(to: request)
            for response in [single, fused] {
                #expect(["positive", "negative"].contains(response.text) && response.ending == .finished)
            }
        }
        let best = try await model.constrained(to: constraint).respond(to: request)
        #expect(best.text == "positive")
    }

    @Test(
        "whatever is sampled from either vocabulary matches the expression",
        arguments: [RealModel.smolLM2, .gemma3]
    )
    func expressions(_ kind: RealModel) async throws {
        let model = try await NativeFixtures.model(kind)
        let constrained = model.constrained(
            to: try .regularExpression(
                #"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]): [äöüßa-z ]{3,20}😀?"#
            )
        )
        for seed in 0..<4 as Range<UInt64> {
            let options = GenerationOptions(sampling: .temperature(1.5), seed: seed)
            let response = try await constrained.respond(to: Request("When was it?", options: options))
            let expression = /(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]): [äöüßa-z ]{3,20}😀?/
            #expect(response.text.wholeMatch(of: expression) != nil, "\(response.text)")
        }
    }

    @Test("guesses do not change a constrained answer")
    func speculation() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let constraint = try Constraint.regularExpression("([A-Z][a-z]+, ){3}[A-Z][a-z]+")
        let request = Request("Name four capitals, separated by commas.")
        let plain = try await model.constrained(to: constraint).respond(to: request)
        for proposer in [PromptLookup() as any TokenProposer, ModelProposer(model)] {
            let fast = try await guessing(model, proposer).constrained(to: constraint).respond(to: request)
            #expect(fast.text == plain.text)
        }
        #expect(plain.text.split(separator: ", ").count == 4)
    }

    private func guessing(_ model: NativeModel, _ proposer: some TokenProposer) -> SpeculativeModel<
        NativeModel
    > {
        model.speculating(with: proposer, length: .fixed(3))
    }
}
