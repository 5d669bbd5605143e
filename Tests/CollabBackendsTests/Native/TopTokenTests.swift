import Collab
import CollabBackends
import CollabKernels
import Testing

/// The largest logits are found while they are computed; the reference is the whole row.
@Suite("Top tokens without the row")
struct TopTokenTests {
    private static let prompt: [TokenID] = (0..<40).map { 300 + $0 * 37 % 4000 }

    @Test("They equal those of the whole row, bit by bit", arguments: RealModel.allCases, [1, 2, 40])
    func equalTheRow(model: RealModel, count: Int) async throws {
        let native = try await NativeFixtures.model(model)
        let row = try await native.makeDecoder().append(Self.prompt, logits: .last)[0]
        let decoder = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
        let top = try await decoder.append(Self.prompt, top: count)
        let (expected, normalizer) = row.values.withUnsafeBufferPointer {
            (Distribution.topK(count, of: $0), Distribution.logSumExp($0))
        }
        #expect(top.entries.map { Int($0.token) } == expected.map(\.index))
        #expect(top.entries.map(\.logit) == expected.map(\.value))
        // Exponentials are float32 and relative to a slice's maximum rather than the row's.
        #expect(abs(try #require(top.logSumExp) - normalizer) < 1e-6)
    }

    /// Without the normaliser most rows are ruled out by bounds; every position of a text, so that some are flat.
    @Test("They are the same without the normaliser, in planes or not", arguments: RealModel.allCases)
    func equalWithoutNormalizer(model: RealModel) async throws {
        func load(inPlanes: Bool) async throws -> NativeModel {
            let options = NativeOptions(threads: 2, outputInPlanes: inPlanes)
            return try await NativeModel(contentsOf: model.path, options: options)
        }
        let native = try await load(inPlanes: true), whole = try await load(inPlanes: false)
        let decoder = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
        let reference = try #require(try await whole.makeDecoder() as? any TopTokenDecoder)
        for (index, token) in Self.prompt.enumerated() {
            let count = [1, 3, 40, 128, 200][index % 5]
            let top = try await decoder.append([token], top: count, normalized: false)
            let expected = try await reference.append([token], top: count)
            #expect(top.entries == expected.entries, "position \(index), top \(count)")
            #expect(top.logSumExp == nil)
        }
    }

    @Test("They are the same whatever the number of threads, without the normaliser")
    func threadsChangeNothing() async throws {
        var results: [[TopTokens]] = []
        for threads in [1, 2, 3] {
            let options = NativeOptions(threads: threads, outputInPlanes: true)
            let native = try await NativeModel(contentsOf: RealModel.smolLM2.path, options: options)
            let decoder = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
            var tops: [TopTokens] = []
            for token in Self.prompt.prefix(12) {
                tops.append(try await decoder.append([token], top: 5, normalized: false))
            }
            results.append(tops)
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test("They do not depend on what else is in the batch or on the number of threads")
    func dependOnNothingElse() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let alone = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
        let expected = try await alone.append(Self.prompt, top: 3)
        let tops = try await withThrowingTaskGroup(of: TopTokens.self) { group in
            for _ in 0..<5 {
                let decoder = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
                group.addTask { try await decoder.append(Self.prompt, top: 3) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tops == Array(repeating: expected, count: 5))
        let options = NativeOptions(threads: 1)
        let single = try await NativeModel(contentsOf: RealModel.smolLM2.path, options: options)
        let decoder = try #require(try await single.makeDecoder() as? any TopTokenDecoder)
        #expect(try await decoder.append(Self.prompt, top: 3) == expected)
    }

    @Test(
        "Answers without log-probabilities are the same, whether greedy or drawn from the most probable",
        arguments: RealModel.allCases
    )
    func answersAreTheSame(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        for sampling in [Sampling.greedy, Sampling(temperature: 0.9, topK: 20, topP: 0.9)] {
            var options = GenerationOptions(maximumTokens: 24, sampling: sampling, seed: 3)
            func answer() async throws -> Response {
                try await native.respond(to: .completion("The first three", options: options))
            }
            let listed = try await answer()
            options.reportsLogprobs = false
            let quiet = try await answer()
            #expect(quiet.text == listed.text && quiet.ending == listed.ending)
            #expect(quiet.usage.completionTokens == listed.usage.completionTokens)
            #expect(listed.tokens?.isEmpty == false && quiet.tokens == nil)
            options.alternatives = 2
            #expect(try await answer().tokens?.map(\.logprob) == listed.tokens?.map(\.logprob))
        }
    }

    @Test("None cannot be asked for")
    func refusesNone() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let decoder = try #require(try await native.makeDecoder() as? any TopTokenDecoder)
        let error = await #expect(throws: CollabError.self) { try await decoder.append(Self.prompt, top: 0) }
        #expect(error?.code == .invalidRequest)
        #expect(decoder.position == 0)
    }
}
