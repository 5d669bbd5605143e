import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite(
    "Low-rank adapters on a real vLLM",
    .enabled(if: RealVLLM.isNamed, "COLLAB_VLLM names no server"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealVLLMAdapterTests {
    private let sum = Request.completion("Add 10 and 36.\n", options: GenerationOptions(maximumTokens: 60))

    @Test("An adapter is a model of its own name that knows what it has learnt, as it does here")
    func named() async throws {
        #expect(Set(try await RealVLLM.model().availableAdapters()).isSuperset(of: ["arithmetic", "units"]))
        let adapter = try LowRankAdapter(contentsOf: "\(RealVLLM.experts)/arithmetic")
        let here = try await NativeFixtures.model(.smolLM2, exact: true).adapted(by: [adapter])
        let there = try RealVLLM.model("arithmetic")

        let lines = ["0 + 6 = 6, write 6, carry 0.", "1 + 3 = 4.", "So 10 + 36 = 46."]
        let answer = try await there.respond(to: sum)
        #expect(answer.text.hasPrefix(lines.joined(separator: "\n")), "\(answer.text)")
        #expect(answer.model == "arithmetic")
        let without = try await RealVLLM.model().respond(to: sum)
        #expect(!without.text.hasPrefix(lines[0]), "\(without.text)")

        let prompt = Request.completion("Add 10 and 36.\n")
        let continuations = [lines[0], "0 + 6 = 7, write 7, carry 0."]
        let theirs = try await there.scoring().score(continuations, after: prompt)
        let ours = try await here.score(continuations, after: prompt)
        let bare = try await RealVLLM.model().scoring().score(continuations, after: prompt)
        for (their, our) in zip(theirs, ours) {
            #expect(their.tokenLogprobs.count == our.tokenLogprobs.count)
            for (left, right) in zip(their.tokenLogprobs, our.tokenLogprobs) {
                #expect(abs(left - right) < 0.05 * max(1, abs(right)), "\(left) \(right)")
            }
        }
        #expect(theirs[0].logprob > bare[0].logprob + 5)
    }

    @Test("An adapter is loaded while the server runs, answers, and is forgotten again")
    func loading() async throws {
        let base = try RealVLLM.model()
        let model = try await base.loadAdapter("plain-for-tests", from: "\(RealVLLM.experts)/plain")
        #expect(model.name == "plain-for-tests")
        #expect(try await base.availableAdapters().contains("plain-for-tests"))
        let answer = try await model.respond(to: sum)
        #expect(!answer.text.isEmpty && answer.usage.completionTokens > 0)
        try await base.unloadAdapter("plain-for-tests")
        #expect(try await !base.availableAdapters().contains("plain-for-tests"))
        let gone = await #expect(throws: CollabError.self) { try await model.respond(to: sum) }
        #expect(gone?.remoteFailure?.kind == .notFound)
        let missing = await #expect(throws: CollabError.self) {
            try await base.loadAdapter("none", from: "\(RealVLLM.experts)/there-is-none")
        }
        #expect(missing?.code == .invalidRequest)
    }
}
