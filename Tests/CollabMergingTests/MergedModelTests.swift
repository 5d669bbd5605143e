import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What a merge has written is a model")
struct MergedModelTests {
    @Test("the engine opens it with its merged vocabulary, and it computes what the merge in memory computes")
    func run() async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/out"
        let name = "tok-union-linear"
        let plan = try MergeFixtures.plan(name)
        _ = try await MergeWriter(plan, to: folder, configuration: MergeFixtures.configuration(name)).run()
        let model = try await NativeModel(
            contentsOf: folder,
            options: NativeOptions(threads: 1, precision: .float)
        )
        let tokens = try model.tokenizer.encode("pextra<|im_start|>extra", parsingSpecialTokens: true)
        #expect(tokens.count == 3)
        #expect(model.tokenizer.count == plan.vocabulary?.tokens.count)
        let logits = try await model.startDecoding(reading: tokens).logits
        let isFinite = logits.values.allSatisfy { $0.isFinite }
        #expect(isFinite)
    }
}
