import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// Long prompts and answers share an engine's steps; what happens is counted step by step, no clock is read.
@Suite("Fairness of the engine")
struct FairnessTests {
    /// What the probes, which run on the engine's thread, have seen of the steps.
    private struct Log: Sendable {
        /// Who writes in the step in progress.
        var writers: Set<Int> = []
        /// The rows of the prompt in the step in progress.
        var rows = 0
        /// Finished steps.
        var steps: [(writers: Set<Int>, rows: Int)] = []
    }

    private static func engine(stepRows: Int = 512) async throws -> NativeEngine {
        let checkpoint = try TinyModels.checkpoint("llama")
            .setting(["max_position_embeddings": .integer(4096)])
        let model = try await TinyModels.model(checkpoint)
        return try NativeEngine(
            weights: model.engine.weights,
            precision: .float,
            threads: 1,
            stepRows: stepRows,
            memoryLimit: nil,
            identity: model.engine.identity
        )
    }

    @Test("while a prompt of 2,000 tokens is read, everybody else gets a token at least every second step")
    func prompt() async throws {
        let engine = try await Self.engine()
        let (count, writers) = (2000, 3)
        let log = Protected(Log())
        let isRead = Protected(false)
        let last = 1
        // Called for every row of the prompt; the last matrix of the last layer comes after all rows of the others.
        let promptProbe = ActivationProbe { layer, tensor, position, _ in
            if layer == 0, tensor == .query { log.withLock { $0.rows += 1 } }
            guard layer == last, tensor == .down else { return }
            let (rows, present, done) = log.withLock { log -> (Int, Int, Int) in
                (log.rows, log.writers.count, log.steps.reduce(0) { $0 + $1.rows })
            }
            guard position == done + rows - 1 else { return }
            // The step ends when all who are not in it wait for the next.
            if position < count - 1 { while engine.waitingJobs < writers - present { sched_yield() } }
            log.withLock { log in
                log.steps.append((log.writers, log.rows))
                log.writers = []
                log.rows = 0
            }
        }
        let reader = Task {
            let outcome = await engine.run(
                KeyValueSequence(pool: engine.keyValues),
                appending: (0..<count).map { TokenID(3 + $0 * 7 % 70) },
                readout: Readout(kind: .logits, positions: count - 1..<count),
                probe: promptProbe
            )
            isRead.withLock { $0 = true }
            return outcome
        }
        let written = await withTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let probe = ActivationProbe { layer, tensor, _, _ in
                        guard layer == 0, tensor == .query else { return }
                        log.withLock { _ = $0.writers.insert(writer) }
                    }
                    var sequence = KeyValueSequence(pool: engine.keyValues)
                    var tokens = 0
                    // A step before the prompt's first would count as that one.
                    while log.withLock({ $0.rows == 0 && $0.steps.isEmpty }) { await Task.yield() }
                    while !isRead.withLock({ $0 }) {
                        let start = sequence.count
                        let outcome = await engine.run(
                            sequence,
                            appending: [TokenID(5 + writer)],
                            readout: Readout(kind: .logits, positions: start..<start + 1),
                            probe: probe
                        )
                        sequence = outcome.sequence
                        tokens += 1
                    }
                    return tokens
                }
            }
            var written: [Int] = []
            for await tokens in group { written.append(tokens) }
            return written
        }
        _ = try await reader.value.result.get()
        let steps = log.withLock { $0.steps }
        #expect(steps.reduce(0) { $0 + $1.rows } == count)
        // The prompt goes on in every step, in small chunks where somebody writes.
        for step in steps {
            #expect(step.rows > 0)
            if !step.writers.isEmpty { #expect(step.rows <= StepPlan.politeChunk) }
        }
        for writer in 0..<writers {
            for (step, next) in zip(steps, steps.dropFirst()) {
                #expect(step.writers.contains(writer) || next.writers.contains(writer))
            }
        }
        #expect(written.allSatisfy { $0 >= steps.count / 2 })
    }

    @Test(
        "a cancelled text leaves the batch at the next step, and the others go on as if it had not been there"
    )
    func cancellation() async throws {
        let engine = try await Self.engine(stepRows: 64)
        let task = Protected<Task<EngineJob.Outcome, Never>?>(nil)
        let hasBegun = AsyncStream.makeStream(of: Void.self)
        let hasCompany = DispatchSemaphore(value: 0)
        let probe = ActivationProbe { layer, tensor, position, _ in
            guard layer == 0, tensor == .query else { return }
            if position == 0 {
                hasBegun.continuation.yield()
                hasCompany.wait()
            }
            // In the third step.
            if position == 130 { task.withLock { $0 }?.cancel() }
        }
        let long = (0..<1000).map { TokenID(3 + $0 * 11 % 70) }
        let leaving = Task {
            await engine.run(
                KeyValueSequence(pool: engine.keyValues),
                appending: long,
                readout: Readout(),
                probe: probe
            )
        }
        task.withLock { $0 = leaving }
        for await _ in hasBegun.stream { break }
        let other = (0..<100).map { TokenID(70 - $0 * 13 % 60) }
        func read(_ engine: NativeEngine) async -> EngineJob.Outcome {
            await engine.run(
                KeyValueSequence(pool: engine.keyValues),
                appending: other,
                readout: Readout(kind: .logits, positions: 99..<100)
            )
        }
        let staying = Task { await read(engine) }
        while engine.waitingJobs == 0 { await Task.yield() }
        hasCompany.signal()
        let cancelled = await leaving.value
        let error = #expect(throws: CollabError.self) { try cancelled.result.get() }
        #expect(error?.code == .cancelled)
        let outcome = await staying.value
        // Three steps of 64 rows went to the long text; not one more was computed of it.
        #expect(engine.rowsComputed.withLock { $0 } == 3 * 64 + other.count)
        let alone = await read(try await Self.engine(stepRows: 64))
        guard case .logits(let found) = try outcome.result.get(),
            case .logits(let expected) = try alone.result.get()
        else { return }
        #expect(found[0].values == expected[0].values)
    }

    @Test("an answer that is cancelled ends within one token")
    func answer() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("llama"))
        let decoder = try await model.makeDecoder()
        let written = Protected(0)
        let handle = Protected<Task<Void, any Error>?>(nil)
        let isSet = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in isSet.stream { break }
            while true {
                _ = try await decoder.append(7)
                let count = written.withLock { count in
                    count += 1
                    return count
                }
                if count == 5 { handle.withLock { $0 }?.cancel() }
            }
        }
        handle.withLock { $0 = task }
        isSet.continuation.yield()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(written.withLock { $0 } == 5)
        #expect(decoder.position == 5)
        // The decoder is where it was, and can be used again.
        _ = try await decoder.append(8)
        #expect(decoder.position == 6)
    }

    @Test(
        "steps are computed on threads that run no task, so that they occupy none of the cooperative pool's",
        arguments: [1, 2]
    )
    func threads(count: Int) async throws {
        let model = try await TinyModels.model(
            try TinyModels.checkpoint("llama"),
            options: NativeOptions(threads: count, precision: .float)
        )
        let probed = Protected((rows: 0, inTasks: 0))
        let probe = ActivationProbe { _, _, _, _ in
            let isInTask = withUnsafeCurrentTask { $0 != nil }
            probed.withLock {
                $0.rows += 1
                $0.inTasks += isInTask ? 1 : 0
            }
        }
        let outcome = await model.engine.run(
            KeyValueSequence(pool: model.engine.keyValues),
            appending: [1, 2, 3],
            readout: Readout(kind: .logits, positions: 2..<3),
            probe: probe
        )
        _ = try outcome.result.get()
        #expect(withUnsafeCurrentTask { $0 != nil })
        #expect(probed.withLock { $0.rows > 0 && $0.inTasks == 0 })
    }
}
