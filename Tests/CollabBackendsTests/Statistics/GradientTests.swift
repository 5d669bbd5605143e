import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("The backward pass of every architecture")
struct GradientTests {
    /// −Σ log p of fixed continuations, and its gradient with respect to the logits.
    private static func loss(_ logits: Rows) -> (value: Double, slopes: Rows) {
        var (value, slopes) = (0.0, logits)
        for row in 0..<logits.count {
            let range = row * logits.width..<(row + 1) * logits.width
            let largest = logits.values[range].max() ?? 0
            let sum = logits.values[range].reduce(0.0) { $0 + exp(Double($1 - largest)) }
            let chosen = range.lowerBound + (7 * row + 3) % logits.width
            value += log(sum) + Double(largest) - Double(logits.values[chosen])
            for place in range {
                slopes.values[place] = Float(exp(Double(logits.values[place] - largest)) / sum)
            }
            slopes.values[chosen] -= 1
        }
        return (value, slopes)
    }

    @Test("the forward pass gives transformers' logits", arguments: TinyModels.folders + TinyModels.variants)
    func logits(_ name: String) throws {
        let weights = try TrainableWeights(try TinyModels.checkpoint(name))
        let found = TransformerGradient(weights, try TinyModels.sequences().long).logits
        let expected = try TinyModels.expected(name, "long").flatMap { $0 }
        #expect(found.values.count == expected.count)
        for (ours, theirs) in zip(found.values, expected) { #expect(abs(ours - theirs) < 2e-4) }
    }

    @Test(
        "along a random direction in every tensor the loss changes as the gradient says",
        arguments: TinyModels.folders
    )
    func differences(_ name: String) throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let tokens = try TinyModels.sequences().short
        let pass = TransformerGradient(try TrainableWeights(checkpoint), tokens)
        var gradients: [String: [Float]] = [:]
        pass.back(Self.loss(pass.logits).slopes) { place, gradient in
            let start = place.rows.lowerBound * (place.storedShape.count > 1 ? place.storedShape[1] : 1)
            var sum = gradients[place.name] ?? [Float](repeating: 0, count: place.storedShape.reduce(1, *))
            for (index, slope) in gradient.enumerated() { sum[start + index] += slope }
            gradients[place.name] = sum
        }
        let stored = checkpoint.tensors.filter { gradients[$0.name] != nil }
        #expect(stored.count == gradients.count)
        var generator = SeededGenerator(seed: 5)
        for tensor in stored {
            let values = try checkpoint.values(of: tensor.name)
            let gradient = try #require(gradients[tensor.name])
            // A step of a hundredth of the tensor's size, partly along the gradient so that there is a change to see.
            let size = values.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            let slope = gradient.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            let direction = gradient.map {
                Double($0) / max(slope, 1e-12) + (generator.nextUnit() - 0.5) * 0.2
            }
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let step = 0.003 * size / length
            func shifted(_ factor: Double) throws -> Double {
                let moved = zip(values, direction).map { Float(Double($0) + factor * step * $1) }
                let weights = try TrainableWeights(
                    ChangedCheckpoint(base: checkpoint, tensor: tensor.name, values: moved)
                )
                return Self.loss(TransformerGradient(weights, tokens).logits).value
            }
            let found = (try shifted(1) - shifted(-1)) / (2 * step)
            let expected = zip(direction, gradient).reduce(0.0) { $0 + $1.0 * Double($1.1) }
            #expect(
                abs(found - expected) < 0.02 * abs(expected) + 2e-3,
                "\(tensor.name): \(found), not \(expected)"
            )
        }
    }

    @Test("Fisher information is the mean of squared gradients, and names tensors as the folder does")
    func fisher() async throws {
        let checkpoint = try GGUFCheckpoint(path: TinyModels.path("gguf/llama.gguf"))
        let texts = [try TinyModels.sequences().long, try TinyModels.sequences().short]
        let statistics = try await ModelStatistics.measure(checkpoint, on: texts, kinds: [.fisher], seed: 3)
        let renamed = try RenamedCheckpoint(checkpoint, as: .huggingFace)
        #expect(statistics.tensors.tensors.count == renamed.tensors.count)
        // By hand for one tensor.
        let weights = try TrainableWeights(renamed)
        let name = "model.layers.1.self_attn.q_proj.weight"
        var (generator, sum) = (SeededGenerator(seed: 3), [Float]())
        for text in texts {
            let pass = TransformerGradient(weights, text)
            pass.back(FisherSum.slopes(of: pass.logits, &generator)) { place, gradient in
                guard place.name == name else { return }
                if sum.isEmpty { sum = gradient.map { _ in 0 } }
                for index in sum.indices { sum[index] += gradient[index] * gradient[index] }
            }
        }
        let count = Float(texts[0].count + texts[1].count)
        let found = try statistics.tensors.values(of: try #require(statistics.fisherName(of: name)))
        for (ours, expected) in zip(found, sum) {
            #expect(abs(ours - expected / count) <= 1e-5 * expected / count)
        }
    }

    @Test("continuations are drawn as often as they are likely")
    func draws() {
        var logits = Rows(count: 4000, width: 3)
        for row in 0..<logits.count { logits.values[3 * row + 1] = Float(log(2.0)) }
        var generator = SeededGenerator(seed: 1)
        let slopes = FisherSum.slopes(of: logits, &generator)
        let drawn = (0..<3).map { column in (0..<4000).count { slopes.values[3 * $0 + column] < 0 } }
        // ¼, ½, ¼ of 4,000, with five standard deviations.
        for (count, expected) in zip(drawn, [1000.0, 2000, 1000]) {
            #expect(abs(Double(count) - expected) < 150)
        }
        let mean = slopes.values.reduce(0.0) { $0 + Double($1) } / 4000
        #expect(abs(mean) < 1e-6)
    }

    @Test("Gram matrices are those of the vectors that enter the matrices")
    func gram() async throws {
        let checkpoint = try TinyModels.checkpoint("qwen2")
        let tokens = try TinyModels.sequences().long
        let statistics = try await ModelStatistics.measure(
            checkpoint,
            on: [tokens, Array(tokens.prefix(9))],
            kinds: [.gram],
            options: TinyModels.options
        )
        let model = try await TinyModels.model(checkpoint)
        for weight in ["model.layers.1.self_attn.v_proj.weight", "model.layers.0.mlp.down_proj.weight"] {
            let name = try #require(statistics.gramName(of: weight))
            let gram = try statistics.tensors.values(of: name)
            let width = try #require(checkpoint.description(of: weight)).shape[1]
            var expected = [Double](repeating: 0, count: width * width)
            for text in [tokens, Array(tokens.prefix(9))] {
                for position in text.indices {
                    let vector = try await model.captureActivations(
                        tokens: text,
                        tensor: weight.replacingOccurrences(of: "v_proj", with: "q_proj"),
                        position: position
                    )
                    for row in 0..<width {
                        for column in 0..<width {
                            expected[row * width + column] += Double(vector[row]) * Double(vector[column])
                        }
                    }
                }
            }
            let largest = expected.map { abs($0) }.max() ?? 0
            for (found, wanted) in zip(gram, expected) {
                #expect(abs(Double(found) - wanted / 33) < 1e-5 * largest)
            }
        }
    }

    @Test("statistics are saved and read, and merge the models that they are of")
    func merging() async throws {
        let scratch = try TemporaryFolder()
        let checkpoint = try TinyModels.checkpoint("qwen2")
        let tokens = try TinyModels.sequences().long
        let measured = try await ModelStatistics.measure(
            checkpoint,
            on: [tokens],
            options: TinyModels.options
        )
        try measured.save(to: scratch.path("statistics.safetensors"), metadata: ["texts": "a test"])
        let read = try ModelStatistics(contentsOf: scratch.path("statistics.safetensors"))
        #expect(read.tensors.tensors.count == measured.tensors.tensors.count)
        // Models that are the same stay the same.
        let copy = ChangedCheckpoint(base: checkpoint, tensor: "", values: [])
        for method in [
            RegMeanMerge.regMean([read, read]) as any MergeMethod, FisherMerge.fisher([read, read]),
        ] {
            let merged = MergedCheckpoint(nil, method, members: [copy, copy])
            for tensor in checkpoint.tensors {
                let (ours, theirs) = (
                    try merged.values(of: tensor.name), try checkpoint.values(of: tensor.name)
                )
                let largest = theirs.map { abs($0) }.max() ?? 0
                for (a, b) in zip(ours, theirs) { #expect(abs(a - b) <= 2e-3 * largest) }
            }
        }
    }
}

/// A checkpoint of which one tensor is another.
private struct ChangedCheckpoint: Checkpoint {
    let base: any Checkpoint
    let tensor: String
    let values: [Float]
    var name: String { base.name }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }

    func read(
        _ name: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        if name == tensor {
            _ = buffer.update(fromContentsOf: values[elements])
        } else {
            try base.read(name, elements: elements, into: buffer)
        }
    }
}
