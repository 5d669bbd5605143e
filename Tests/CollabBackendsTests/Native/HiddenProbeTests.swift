import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// A mistake that the next norm hides, or that two blocks make up for, is seen here and not in the logits.
@Suite("The residual stream of a real model, with float activations")
struct HiddenProbeTests {
    @Test(
        "is the reference's after the embedding, after every block and after the final norm",
        arguments: RealModel.allCases
    )
    func residualStream(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model, exact: true)
        let golden = try NativeGoldens.exact(model).hiddenProbe
        let prompt = try #require(
            try TokenGoldens.logit(model).prompts.first { $0.name == golden.prompt }
        )
        let states = try residualStream(of: prompt.ids, in: native)
        #expect(golden.layers.map(\.i) == Array(states.indices))
        for (layer, state) in zip(golden.layers, states) {
            let length = state.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            // The reference is printed with four and five decimals. Gemma's largest components are thousands, so errors
            // are relative to the length: 2e-7 of it have been found.
            #expect(abs(length - layer.l2) < 1e-6 * layer.l2 + 1e-4, "the length after block \(layer.i)")
            let largest = zip(state, layer.first8).map { abs(Double($0) - $1) }.max() ?? 0
            #expect(largest < 1e-6 * layer.l2 + 1e-5, "after block \(layer.i)")
        }
    }

    /// The last token's row before every block, and what is read out behind the last one.
    private func residualStream(of tokens: [TokenID], in native: NativeModel) throws -> [[Float]] {
        let engine = native.engine
        // A pass of the test's own on the engine's weights, whose buffers can be looked at while it runs.
        let keyValues = KeyValuePool(
            shape: engine.keyValues.shape,
            groups: engine.keyValues.groups,
            limit: nil,
            promptCacheLimit: 0
        )
        let pool = try WorkerPool(workers: 1)
        let pass = ForwardPass(
            weights: engine.weights,
            keyValues: keyValues,
            rows: tokens.count,
            pool: pool,
            precisions: engine.weights.activationForms(.float)
        )
        var sequence = KeyValueSequence(pool: keyValues)
        sequence.append(tokens)
        try sequence.reserve(upTo: tokens.count)
        let (last, width) = (tokens.count - 1, native.configuration.embeddingLength)
        let states = Protected<[[Float]]>([])
        // Called on the one worker's thread, where the norm before a block's queries reads the stream.
        nonisolated(unsafe) let watched = pass
        let probe = ActivationProbe { _, tensor, position, _ in
            guard tensor == .query, position == last else { return }
            let residual = watched.workspace.residual(0, replicated: watched.isReplicated)
            let row = Array(UnsafeBufferPointer(start: residual + last * width, count: width))
            states.withLock { $0.append(row) }
        }
        let segment = StepSegment(
            rows: 0..<tokens.count,
            start: 0,
            tokens: sequence.tokens[...],
            blocks: sequence.blocks,
            probe: probe
        )
        var final = [Float](repeating: .nan, count: width)
        var result = StepResult()
        final.withUnsafeMutableBufferPointer { final in
            withUnsafeMutablePointer(to: &result) { result in
                let output = StepOutput(row: last, kind: .hidden, target: final.baseAddress!, result: result)
                pass.run(Step(segments: [segment], outputs: [output]), on: pool)
            }
        }
        return states.withLock { $0 } + [final]
    }
}
