import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// Texts that begin alike and are read at the same time compute their beginning once.
@Suite("Shared beginnings in flight")
struct SharedBeginningTests {
    private static let question: [TokenID] = (0..<30).map { 3 + $0 * 7 % 70 }

    @Test(
        "five that are started together compute the question once",
        arguments: ["llama", "gemma3", "smollm3"]
    )
    func together(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let model = try await TinyModels.model(checkpoint)
        let prompts = (0..<5).map { Self.question + [TokenID(40 + $0), 5, 6, 7] }
        let starts = try await concurrently(prompts) { (tokens) async throws(CollabError) in
            try await model.startDecoding(reading: tokens)
        }
        let shared = Self.question.count
        #expect(model.engine.rowsComputed.withLock { $0 } == shared + 5 * 4)
        #expect(starts.map(\.cachedTokens).sorted() == [0, shared, shared, shared, shared])
        let alone = try await TinyModels.model(checkpoint)
        for (tokens, start) in zip(prompts, starts) {
            let expected = try await alone.makeDecoder().append(tokens, logits: .last)[0]
            #expect(start.logits.values == expected.values)
            // Going on is each one's own affair.
            let next = try await start.decoder.append(9)
            let decoder = try await alone.makeDecoder()
            #expect(try await decoder.append(tokens + [9], logits: .last)[0].values == next.values)
        }
    }

    @Test("equal texts compute all but the last token once")
    func equal() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("llama"))
        let prompts = Array(repeating: Self.question, count: 4)
        let starts = try await concurrently(prompts) { (tokens) async throws(CollabError) in
            try await model.startDecoding(reading: tokens)
        }
        #expect(model.engine.rowsComputed.withLock { $0 } == Self.question.count + 3)
        #expect(Set(starts.map(\.logits.values)).count == 1)
    }

    @Test("where every position's output is wanted, and under other adapters, everything is computed")
    func apart() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        let adapted = try await model.adapted(by: [try TinyAdapters.make("style", for: checkpoint, seed: 1)])
        let models: [any LogitModel] = [model, adapted]
        let rows = try await concurrently(models) { (model) async throws(CollabError) in
            try await model.startDecoding(reading: Self.question).logits.values
        }
        #expect(rows[0] != rows[1])
        #expect(model.engine.rowsComputed.withLock { $0 } == 2 * Self.question.count)
        _ = try await concurrently([1, 2]) { (_) async throws(CollabError) in
            try await model.makeDecoder().append(Self.question, logits: .all)
        }
        #expect(model.engine.rowsComputed.withLock { $0 } == 4 * Self.question.count)
    }

    @Test("when the one that computes is cancelled, the one that waits keeps what is there and goes on")
    func cancellation() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("llama"))
        let engine = try NativeEngine(
            weights: model.engine.weights,
            precision: .float,
            threads: 1,
            stepRows: 8,
            memoryLimit: nil,
            identity: model.engine.identity
        )
        let first = Self.question + Array(10..<20)
        let second = Array(first.dropLast(3)) + Array(50..<58)
        let task = Protected<Task<EngineJob.Outcome, Never>?>(nil)
        let hasBegun = AsyncStream.makeStream(of: Void.self)
        let hasCompany = DispatchSemaphore(value: 0)
        // Called on the engine's thread.
        let probe = ActivationProbe { layer, tensor, position, _ in
            guard layer == 0, tensor == .query else { return }
            if position == 0 {
                hasBegun.continuation.yield()
                hasCompany.wait()
            }
            if position == 20 { task.withLock { $0 }?.cancel() }
        }
        let leading = Task {
            await engine.run(
                KeyValueSequence(pool: engine.keyValues),
                appending: first,
                readout: Readout(),
                probe: probe
            )
        }
        task.withLock { $0 = leading }
        for await _ in hasBegun.stream { break }
        let following = Task {
            await engine.run(
                KeyValueSequence(pool: engine.keyValues),
                appending: second,
                readout: Readout(kind: .logits, positions: second.count - 1..<second.count)
            )
        }
        while engine.waitingJobs == 0 { await Task.yield() }
        hasCompany.signal()
        let cancelled = await leading.value
        let error = #expect(throws: CollabError.self) { try cancelled.result.get() }
        #expect(error?.code == .cancelled)
        #expect(cancelled.sequence.count == 0)
        let outcome = await following.value
        // Three steps of 8 rows had been computed.
        #expect(outcome.taken == 24)
        #expect(engine.rowsComputed.withLock { $0 } == second.count)
        guard case .logits(let logits) = try outcome.result.get() else { return }
        let expected = try await model.makeDecoder().append(second, logits: .last)
        #expect(logits[0].values == expected[0].values)
    }
}
