import Collab
import CollabTesting
import Testing

@Suite("Merging as a stage of a pipeline")
struct MergeStageTests {
    @Test("the team becomes one merged model, made once")
    func merges() async throws {
        let made = Protected(0)
        let team: [any WeightModel] = try [(0, 1), (2, 3), (4, 5)].enumerated().map { index, values in
            ToyWeightModel(
                "m\(index)",
                try ToyCheckpoints.single("c", [Float(values.0), Float(values.1)]),
                made
            )
        }
        let pipeline = Pipeline {
            Team { team }
            Merge(.taskArithmetic(weights: 0.5))
        }
        let run = Run()
        // 0 + ½·2 + ½·4 and 1 + ½·2 + ½·4.
        #expect(try await pipeline.respond(to: "a", in: run).text == "3.0 4.0")
        #expect(run.trace?["Merge (task arithmetic)"]?.note("merged") == "m0, m1, m2 by task arithmetic")
        let texts = try await concurrently(["a", "b", "c"] as [Request]) {
            (request) async throws(CollabError) in
            try await pipeline.respond(to: request).text
        }
        #expect(Set(texts) == ["3.0 4.0"])
        #expect(made.withLock { $0 } == 1)
    }

    @Test("may stand under a condition", arguments: [false, true])
    func conditional(isMerged: Bool) async throws {
        let made = Protected(0)
        let team: [any WeightModel] = try [1, 3].map { value in
            ToyWeightModel("m\(value)", try ToyCheckpoints.single("c", [value]), made)
        }
        let pipeline = Pipeline {
            Team { team }
            if isMerged { Merge(.linear()) }
        }
        let run = Run()
        #expect(try await pipeline.respond(to: "a", in: run).text == (isMerged ? "2.0" : "1.0"))
        #expect((run.trace?["Merge (linear)"] != nil) == isMerged)
    }

    @Test("checkpoints that do not fit are refused with the stage's name")
    func refused() async throws {
        let made = Protected(0)
        let small = ToyWeightModel("small", try ToyCheckpoints.single("c", [1]), made)
        let large = ToyWeightModel("large", try ToyCheckpoints.single("d", [1, 2]), made)
        let pipeline = Pipeline {
            Team {
                small
                large
            }
            Merge(.linear())
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "a") }
        #expect(error?.code == .tensorMismatch)
        #expect(error?.path.contains("Merge (linear)") == true)
        #expect(made.withLock { $0 } == 0)
    }

    @Test("a failed attempt is not kept")
    func retries() async throws {
        let made = Protected(0)
        let broken = ToyWeightModel("broken", try ToyCheckpoints.single("c", [.nan]), made)
        let fine = ToyWeightModel("fine", try ToyCheckpoints.single("c", [1]), made)
        let pipeline = Pipeline {
            Team {
                broken
                fine
            }
            Merge(.linear(weights: [2, 1]))
        }
        for attempt in 1...2 {
            let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "a") }
            #expect(error?.code == .notFinite)
            #expect(made.withLock { $0 } == attempt)
        }
    }

    @Test("models can be merged by their weights outside of pipelines")
    func models() throws {
        let made = Protected(0)
        let model = ToyWeightModel("m", try ToyCheckpoints.single("c", [1, 3]), made)
        let other = try ToyCheckpoints.single("d", [3, 5])
        let merged = Merge(.linear()) {
            model
            other
        }
        #expect(try merged.values(of: "w") == [2, 4])
    }
}

/// A model that answers with its weights.
final class ToyWeightModel: WeightModel {
    let name: String
    let checkpoint: any Checkpoint
    private let made: Protected<Int>
    private let base = ToyModel(always: [0, 0, 0, 0, 0])

    init(_ name: String, _ checkpoint: any Checkpoint, _ made: Protected<Int>) {
        self.name = name
        self.checkpoint = checkpoint
        self.made = made
    }

    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }
    func makeDecoder() async throws(CollabError) -> any Decoder { try await base.makeDecoder() }
    func replacingWeights(with checkpoint: any Checkpoint) async throws(CollabError) -> any WeightModel {
        made.withLock { $0 += 1 }
        _ = try checkpoint.values(of: "w")
        return ToyWeightModel("\(name)'", checkpoint, made)
    }
    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let text = try checkpoint.values(of: "w").map { "\($0)" }.joined(separator: " ")
        await sink.send(text)
        return Response(text: text, model: name)
    }
}
