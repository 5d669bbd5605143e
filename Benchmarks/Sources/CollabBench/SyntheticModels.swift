import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Sizes of models that are made for measuring.
enum SyntheticSize: Equatable, ExpressibleByArgument {
    case small, middle, large
    /// Two matrices alone, of so many rows and columns and of so many columns and 14,336 rows: what a width of a model
    /// costs, without the many layers that such a model has.
    case matrices(Int)

    init?(argument: String) {
        switch argument {
        case "0.05b": self = .small
        case "0.5b": self = .middle
        case "1.2b": self = .large
        default:
            guard argument.hasPrefix("matrix-"), let order = Int(argument.dropFirst(7)), order > 0 else {
                return nil
            }
            self = .matrices(order)
        }
    }

    static let help = "0.05b, 0.5b, 1.2b, or matrix-N for a matrix of N × N and one of 14336 × N"

    var areMatrices: Bool { if case .matrices = self { true } else { false } }

    /// Width, feed-forward width, layers, key and value width, tokens.
    var shape: (width: Int, inner: Int, layers: Int, keys: Int, tokens: Int) {
        switch self {
        case .small: (512, 1408, 8, 128, 32_000)
        case .middle: (1280, 3456, 24, 320, 32_000)
        case .large: (2048, 8192, 16, 512, 128_256)
        case .matrices(let order): (order, 14_336, 1, order, 32_000)
        }
    }

    /// The base and its fine-tunes.
    var names: [String] { areMatrices ? ["base", "a", "b"] : ["base", "a", "b", "c"] }
}

/// A base and three fine-tunes of it, llamas of random numbers in bfloat16: one changed in a tenth of its elements, the
/// others in all. Of matrices alone there are two fine-tunes.
struct SyntheticModels {
    let folder: String
    let size: SyntheticSize

    init(folder: String, size: SyntheticSize) throws {
        self.folder = folder
        self.size = size
        for (index, name) in size.names.enumerated()
        where !FileManager.default.fileExists(atPath: path(name)) {
            try write(name, index)
        }
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)/model.safetensors" }

    private var tensors: [TensorDescription] {
        let (width, inner, layers, keys, tokens) = size.shape
        func tensor(_ name: String, _ shape: Int...) -> TensorDescription {
            TensorDescription(name: name + ".weight", shape: shape, format: .bf16)
        }
        if size.areMatrices {
            return [
                tensor("model.layers.0.self_attn.o_proj", width, width),
                tensor("model.layers.0.mlp.up_proj", inner, width),
            ]
        }
        var all = [tensor("model.embed_tokens", tokens, width)]
        for layer in 0..<layers {
            let prefix = "model.layers.\(layer)."
            all += [
                tensor(prefix + "input_layernorm", width), tensor(prefix + "self_attn.q_proj", width, width),
                tensor(prefix + "self_attn.k_proj", keys, width),
                tensor(prefix + "self_attn.v_proj", keys, width),
                tensor(prefix + "self_attn.o_proj", width, width),
                tensor(prefix + "post_attention_layernorm", width),
                tensor(prefix + "mlp.gate_proj", inner, width), tensor(prefix + "mlp.up_proj", inner, width),
                tensor(prefix + "mlp.down_proj", width, inner),
            ]
        }
        return all + [tensor("model.norm", width), tensor("lm_head", tokens, width)]
    }

    /// The bytes of one model.
    var byteCount: Int { tensors.reduce(0) { $0 + 2 * $1.elementCount } }

    private func write(_ name: String, _ index: Int) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(name)",
            withIntermediateDirectories: true
        )
        let (width, inner, layers, keys, tokens) = size.shape
        let configuration = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": \(width), \
            "intermediate_size": \(inner), "num_hidden_layers": \(layers), "num_attention_heads": \(width / 64), \
            "num_key_value_heads": \(keys / 64), "head_dim": 64, "vocab_size": \(tokens), \
            "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu", \
            "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
            """
        try configuration.write(toFile: "\(folder)/\(name)/config.json", atomically: true, encoding: .utf8)
        let writer = try SafetensorsWriter(path: path(name), tensors: tensors, metadata: ["format": "pt"])
        var values = [Float](repeating: 0, count: 1 << 18)
        for (place, tensor) in tensors.enumerated() {
            // The same stream for the base in every model, and one of its own for the change.
            var start = Noise(state: UInt64(place) &* 0x9E37_79B9_7F4A_7C15 | 1)
            var change = Noise(state: UInt64(place &* 4 &+ index) &* 0xD134_2543_DE82_EF95 | 1)
            var left = tensor.elementCount
            while left > 0 {
                let count = min(left, values.count)
                for element in 0..<count {
                    values[element] = 0.02 * start.normal()
                    guard index > 0 else { continue }
                    let step = change.normal()
                    if index > 1 || abs(step) > 1.5 { values[element] += 0.002 * step }
                }
                try values[..<count].withUnsafeBufferPointer { try writer.append($0, to: tensor.name) }
                left -= count
            }
        }
        try writer.finish()
    }

    /// Seconds to read the fine-tunes, write as many bytes as one has, and flush them if asked to.
    func readAndWrite(flushing flushes: Bool) throws -> Double {
        let start = ContinuousClock.now
        let blockSize = 4 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 4096)
        defer { buffer.deallocate() }
        for name in size.names.dropFirst() {
            let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: path(name)))
            while read(input.fileDescriptor, buffer.baseAddress, blockSize) > 0 {}
        }
        let target = folder + "/plain"
        _ = FileManager.default.createFile(atPath: target, contents: nil)
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
        var left = byteCount
        while left > 0 {
            guard Foundation.write(output.fileDescriptor, buffer.baseAddress, min(blockSize, left)) > 0 else {
                throw ValidationError("\(target) could not be written.")
            }
            left -= min(blockSize, left)
        }
        if flushes { try output.synchronize() }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try FileManager.default.removeItem(atPath: target)
        return seconds
    }
}

/// Roughly normal numbers, fast: the sum of the bytes of a xorshift generator's words.
struct Noise: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func normal() -> Float {
        let word: UInt64 = next()
        let sum = (word & 0xFF) + (word >> 8 & 0xFF) + (word >> 16 & 0xFF) + (word >> 24 & 0xFF)
        return (Float(sum) - 510) / 148
    }
}
