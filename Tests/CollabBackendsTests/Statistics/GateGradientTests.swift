import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("The backward pass to the gates of an adapter")
struct GateGradientTests {
    /// An adapter of every matrix, with lengths of rows if wanted.
    private func adapter(of checkpoint: any Checkpoint, hasLengths: Bool) throws -> LowRankAdapter {
        let plain = try TinyAdapters.make("style", for: checkpoint, rank: 3, seed: 2)
        var generator = SeededGenerator(seed: 6)
        let modules = plain.modules.map { module in
            var module = module
            module.scale = 1.5
            if hasLengths {
                module.magnitudes = (0..<module.shape[0]).map { _ in Float(0.5 + generator.nextUnit()) }
            }
            return module
        }
        return try LowRankAdapter("style", modules: modules)
    }

    private func pass(
        _ adapter: LowRankAdapter,
        over checkpoint: any Checkpoint
    ) throws -> (weights: TrainableWeights, adapter: GatedAdapter) {
        let weights = try TrainableWeights(checkpoint)
        return (weights, try GatedAdapter(adapter, in: weights.configuration, of: checkpoint))
    }

    @Test(
        "gates of 0 let half of every change through, in folders and in GGUF",
        arguments: ["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"],
        [false, true]
    )
    func halves(_ name: String, hasLengths: Bool) async throws {
        let folder = try TinyModels.checkpoint(name)
        let adapter = try adapter(of: folder, hasLengths: hasLengths)
        let tokens = try TinyModels.sequences().long
        var options = TinyModels.options
        options.weightFormat = .float
        var checkpoints: [any Checkpoint] = [folder]
        if name == "llama" {
            checkpoints.append(try GGUFCheckpoint(path: TinyModels.path("gguf/llama.gguf")))
        }
        for checkpoint in checkpoints {
            let model = try await TinyModels.model(checkpoint, options: options)
            let half = try await model.adapted(by: [adapter], weights: [0.5])
            let expected = try await half.makeDecoder().append(tokens, logits: .all)
            let (weights, gated) = try pass(adapter, over: checkpoint)
            let found = TransformerGradient(weights, tokens, under: (gated, gated.zeroGates)).logits
            for (row, wanted) in expected.enumerated() {
                let largest = wanted.values.map(abs).max() ?? 1
                for (place, value) in wanted.values.enumerated() {
                    #expect(abs(found.values[row * found.width + place] - value) <= 2e-4 * largest)
                }
            }
        }
    }

    /// The loss of a window under gates moved along a direction.
    private func loss(
        _ trainer: GateTrainer,
        _ window: [TokenID],
        _ gates: [[Float]],
        moved step: Double,
        along direction: [[Double]]
    ) -> Double {
        let moved = zip(gates, direction).map { gate, direction in
            zip(gate, direction).map { Float(Double($0) + step * $1) }
        }
        let pass = TransformerGradient(trainer.weights, window, under: (trainer.adapter, moved))
        return GateTrainer.loss(pass.logits, window).value
    }

    @Test(
        "in every gate the loss changes as the gradient says",
        arguments: ["llama", "qwen3", "gemma2", "phi3"],
        [false, true]
    )
    func differences(_ name: String, hasLengths: Bool) throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let window = try TinyModels.sequences().long
        let (weights, gated) = try pass(adapter(of: checkpoint, hasLengths: hasLengths), over: checkpoint)
        let trainer = GateTrainer(weights: weights, adapter: gated, windows: [window], training: .init())
        var generator = SeededGenerator(seed: 5)
        let gates = gated.zeroGates.map { $0.map { _ in Float(generator.nextUnit() - 0.5) * 0.2 } }
        let gradients = trainer.lesson(window, gates).gradients
        #expect(gradients.map(\.count) == gated.widths)
        // Gate by gate, then all together.
        for gate in Array(gradients.indices.map { $0...$0 }) + [0...gradients.count - 1] {
            // Mostly along the gradient, so that there is a change to see.
            let own = gradients[gate].joined().reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            var direction = gradients.map { $0.map { _ in 0.0 } }
            for place in gate {
                let wide = Double(gradients[place].count).squareRoot()
                direction[place] = gradients[place].map {
                    Double($0) / own + (generator.nextUnit() - 0.5) / wide
                }
            }
            // Of fourth order in the step.
            let step = 0.03
            let values = [1.0, -1, 2, -2].map {
                loss(trainer, window, gates, moved: $0 * step, along: direction)
            }
            let found = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)
            let expected = zip(direction.joined(), gradients.joined()).reduce(0) { $0 + $1.0 * Double($1.1) }
            #expect(
                abs(found - expected) < 1e-3 * abs(expected),
                "\(gate.count == 1 ? gated.paths[gate.lowerBound] : "all"): \(found), not \(expected)"
            )
        }
    }
}
