import Collab
import CollabBackends
import Testing

/// Models over weights that no file holds: merges, edits.
@Suite struct ComputedWeightsTests {
    private static let prompt: [TokenID] = [504, 3575, 282, 4649, 314]

    /// The same values read through a computation give nearly the same logits: what differs is the rounding.
    @Test(arguments: [(WeightFormat.eightBit, 0.3), (.asStored, 0.01)])
    func computedWeightsAreRoundedInMemory(format: WeightFormat, tolerance: Double) async throws {
        let native = try await NativeFixtures.model(.smolLM2, exact: true)
        let options = NativeOptions(threads: 2, precision: .float, weightFormat: format)
        let computed = ComputedCheckpoint(base: native.checkpoint)
        #expect(computed.storage(of: "token_embd.weight") == nil)
        let other = try await NativeModel(checkpoint: computed, name: "computed", options: options)
        #expect(other.name == "computed")
        let expected = try await native.makeDecoder().append(Self.prompt, logits: .last)[0]
        let logits = try await other.makeDecoder().append(Self.prompt, logits: .last)[0]
        let errors = zip(logits.values, expected.values).map { Double($0 - $1) }
        let rms = (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
        #expect(rms < tolerance)
        #expect(logits.best == expected.best)
    }

    @Test func replacingWeightsGivesAnotherModelAndLeavesTheFirst() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let before = try await native.makeDecoder().append(Self.prompt, logits: .last)[0]
        // Without its last norm's weights the model has no opinion at all.
        let blank = ComputedCheckpoint(base: native.checkpoint) { tensor, value in
            tensor == "output_norm.weight" ? 0 : value
        }
        let other = try await native.replacingWeights(with: blank)
        let logits = try await other.makeDecoder().append(Self.prompt, logits: .last)[0]
        #expect(logits.values.allSatisfy { $0 == 0 })
        #expect(try await native.makeDecoder().append(Self.prompt, logits: .last)[0].values == before.values)
    }

    @Test func weightsOfAnotherShapeAreRefused() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let gemma = try await NativeFixtures.model(.gemma3)
        await #expect { try await native.replacingWeights(with: gemma.checkpoint) } throws: { error in
            (error as? CollabError)?.code == .tensorMismatch
        }
    }

    @Test func valuesThatAreNoNumbersAreRefused() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        for name in ["blk.3.ffn_norm.weight", "blk.3.ffn_up.weight"] {
            let broken = ComputedCheckpoint(base: native.checkpoint) { $0 == name ? .nan : $1 }
            await #expect { try await native.replacingWeights(with: broken) } throws: { error in
                (error as? CollabError)?.code == .notFinite && "\(error)".contains(name)
            }
        }
    }
}

/// A checkpoint whose tensors are computed from another's, element by element.
private struct ComputedCheckpoint: Checkpoint {
    let base: any Checkpoint
    var change: (@Sendable (String, Float) -> Float)?

    init(base: any Checkpoint, change: (@Sendable (String, Float) -> Float)? = nil) {
        self.base = base
        self.change = change
    }

    var name: String { "computed from \(base.name)" }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try base.read(tensor, elements: elements, into: buffer)
        // Only what a test changes is walked through: debug builds are slow.
        guard let change, change(tensor, 1) != 1 else { return }
        for index in buffer.indices { buffer[index] = change(tensor, buffer[index]) }
    }
}
