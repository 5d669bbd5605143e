import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Checkpoints from files")
struct CheckpointTests {
    @Test("rows of the real models expand to the reference's numbers")
    func goldenRows() throws {
        let path = FuzzCorpus.fixture("../goldens/logit/dequant.json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        let checkpoints: [String: any Checkpoint] = [
            "smollm2": try GGUFCheckpoint(path: try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf")),
            "gemma3": try GGUFCheckpoint(path: try modelPath("gemma-3-270m-q4_k_m.gguf")),
        ]
        for tensor in golden.tensors {
            let checkpoint = try #require(checkpoints[tensor.model])
            let description = try #require(checkpoint.description(of: tensor.tensor))
            #expect(description.shape == tensor.ne.reversed())
            #expect("\(description.format)".uppercased() == tensor.ggml_type)
            let columns = tensor.ne[0]
            for (row, expected) in tensor.rows {
                let first = try #require(Int(row)) * columns
                let values = try read(checkpoint, tensor.tensor, first..<first + columns)
                #expect(
                    zip(values, expected.first16).allSatisfy { abs(Double($0) - $1) < 1e-6 + 1e-6 * abs($1) }
                )
                #expect(zip(values.suffix(4), expected.last4).allSatisfy { abs(Double($0) - $1) < 1e-5 })
                #expect(
                    abs(values.reduce(0) { $0 + Double($1) } - expected.sum) < 1e-4
                        * max(1, abs(expected.sum))
                )
                let squares = values.reduce(0) { $0 + Double($1) * Double($1) }
                #expect(abs(squares.squareRoot() - expected.l2) < 1e-4 * max(1, expected.l2))
            }
        }
    }

    @Test(
        "any range of elements can be read, whether or not blocks begin there",
        arguments: [
            ("F32", 0, 1, 4), ("F16", 1, 1, 2), ("BF16", 30, 1, 2), ("Q8_0", 8, 32, 34), ("Q4_0", 2, 32, 18),
        ]
            + [("Q4_1", 3, 32, 20), ("Q5_0", 6, 32, 22), ("Q5_1", 7, 32, 24), ("Q4_K", 12, 256, 144)]
            + [("Q5_K", 13, 256, 176), ("Q6_K", 14, 256, 210)]
    )
    func ranges(name: String, type: UInt32, block: UInt64, size: Int) throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<12 * size).map { UInt8(($0 * 7 + 3) & 0x3F) }
        let file = GGUFBuilder().key("general.architecture", .string("test"))
            .tensor("w", dimensions: [4 * block, 3], type: type, bytes: bytes).build()
        try Data(file).write(to: URL(fileURLWithPath: folder.path("w.gguf")))
        let checkpoint = try GGUFCheckpoint(path: folder.path("w.gguf"))
        let whole = try checkpoint.values(of: "w")
        #expect(whole.count == Int(12 * block) && whole.contains { $0 != 0 })
        var random = SplitMix(state: UInt64(type) + 1)
        for _ in 0..<200 {
            let ends = [
                Int(random.next() % UInt64(whole.count + 1)), Int(random.next() % UInt64(whole.count + 1)),
            ]
            let range = ends.min()!..<ends.max()!
            #expect(try read(checkpoint, "w", range).map(\.bitPattern) == whole[range].map(\.bitPattern))
        }
        #expect(checkpoint.storage(of: "w")?.withBytes { Array($0) } == bytes)
        #expect(checkpoint.storage(of: "w")?.format == checkpoint.description(of: "w")?.format)
    }

    @Test("what is not there cannot be read")
    func outOfRange() throws {
        let checkpoint = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base"))
        let name = checkpoint.tensors[0].name
        let count = checkpoint.tensors[0].elementCount
        for (tensor, range, size) in [
            ("none", 0..<1, 1), (name, 0..<count + 1, count + 1), (name, -1..<1, 2), (name, 0..<2, 1),
            (name, count..<count + 1, 1),
        ] {
            let error = #expect(throws: CollabError.self) {
                var values = [Float](repeating: 0, count: size)
                try values.withUnsafeMutableBufferPointer {
                    try checkpoint.read(tensor, elements: range, into: $0)
                }
            }
            #expect(error?.code == .tensorMismatch)
        }
        #expect(try read(checkpoint, name, count..<count).isEmpty)
        #expect(checkpoint.description(of: "none") == nil && checkpoint.storage(of: "none") == nil)
    }

    @Test("a checkpoint in one file and in three are the same")
    func sharded() throws {
        let whole = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base"))
        let parts = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base-sharded"))
        #expect(whole.name == "base" && parts.files.count == 3)
        #expect(Set(whole.tensors) == Set(parts.tensors))
        for tensor in whole.tensors {
            #expect(try whole.values(of: tensor.name) == parts.values(of: tensor.name))
        }
        #expect(whole.specification.architecture == "llama")
        let specification = try #require(parts.specification as? HuggingFaceSpecification)
        #expect(specification.configuration["hidden_size"] == 18)
    }

    @Test("brain floats are read as the floats they are")
    func brainFloats() throws {
        let single = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base"))
        let brain = try SafetensorsCheckpoint(path: FuzzCorpus.fixture("checkpoints/base-bf16"))
        for tensor in brain.tensors {
            #expect(tensor.format == .bf16)
            for (rounded, exact) in zip(try brain.values(of: tensor.name), try single.values(of: tensor.name))
            {
                #expect(rounded.bitPattern & 0xFFFF == 0 && abs(rounded - exact) <= abs(exact) / 256)
            }
        }
    }

    @Test("the encoder's weights are read, its position ids kept apart")
    func encoder() throws {
        let checkpoint = try SafetensorsCheckpoint(path: try modelPath("all-MiniLM-L6-v2"))
        #expect(checkpoint.specification.architecture == "bert" && checkpoint.tensors.count > 100)
        let embeddings = try #require(
            checkpoint.tensors.first { $0.name.hasSuffix("word_embeddings.weight") }
        )
        #expect(embeddings.shape == [30522, 384])
        #expect(checkpoint.integerTensors.allSatisfy { $0.tensor.type == .i64 })
    }

    @Test("a file that was cut short is an error, not a crash")
    func shrunk() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        let values = [Float](repeating: 1, count: 100_000)
        let writer = try SafetensorsWriter(
            path: path,
            tensors: [TensorDescription(name: "w", shape: [100_000], format: .f32)]
        )
        try writer.append(values, to: "w")
        try writer.finish()
        let checkpoint = try SafetensorsCheckpoint(path: path)
        #expect(try checkpoint.values(of: "w") == values)
        #expect(truncate(path, 4096) == 0)
        let error = #expect(throws: CollabError.self) { try checkpoint.values(of: "w") }
        #expect(error?.code == .inputOutput)
    }

    @Test("quantised weights are refused before anything is read")
    func quantisedWeights() throws {
        let folder = try TemporaryFolder()
        func error(_ tensor: String, _ type: String, _ configuration: String = "{}") throws -> CollabError? {
            let count = type == "I32" ? 2 : 8
            let header = "{\"\(tensor)\":{\"dtype\":\"\(type)\",\"shape\":[\(count)],\"data_offsets\":[0,8]}}"
            var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
            bytes += Array(header.utf8) + Array(repeating: 0, count: 8)
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path("model.safetensors")))
            try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder.path("config.json")))
            do throws(CollabError) {
                _ = try SafetensorsCheckpoint(path: folder.url.path)
                return nil
            } catch { return error }
        }
        for tensor in ["model.q_proj.weight", "model.q_proj.qweight"] {
            let error = try error(tensor, "U8")
            #expect(error?.code == .unsupported && error?.message.contains(tensor) == true)
        }
        #expect(try error("model.position_ids", "U8") == nil)
        let written = try error("x", "U8", "{\"quantization_config\":{\"quant_method\":\"awq\"}}")
        #expect(written?.code == .unsupported && written?.message.contains("by awq") == true)
        for type in ["U8", "I32", "F8_E4M3"] {
            let empty = try error("x", type, "{\"quantization_config\":{}}")
            #expect(empty?.code == .unsupported && empty?.message.contains("“x” of type \(type)") == true)
        }
        #expect(try error("x", "U8", "{\"quantization_config\":null}") == nil)
    }

    @Test(
        "plain weights are read whatever their configuration says of a quantisation",
        arguments: [TensorFormat.bf16, .f16, .f32],
        ["{\"quant_method\":\"bitsandbytes\",\"load_in_4bit\":true}", "{}"]
    )
    func leftoverQuantisation(_ format: TensorFormat, _ claim: String) throws {
        let folder = try TemporaryFolder()
        let writer = try SafetensorsWriter(
            path: folder.path("model.safetensors"),
            tensors: [TensorDescription(name: "model.q_proj.weight", shape: [2], format: format)]
        )
        try writer.append([1, 2], to: "model.q_proj.weight")
        try writer.finish()
        try Data("{\"quantization_config\":\(claim)}".utf8)
            .write(to: URL(fileURLWithPath: folder.path("config.json")))
        let checkpoint = try SafetensorsCheckpoint(path: folder.url.path)
        #expect(try checkpoint.values(of: "model.q_proj.weight") == [1, 2])
    }

    @Test("types that cannot be computed with are refused by name")
    func unsupportedTypes() throws {
        let folder = try TemporaryFolder()
        let gguf = GGUFBuilder().key("general.architecture", .string("llama"))
            .tensor("blk.0.x", dimensions: [256], type: 10, bytes: Array(repeating: 0, count: 84)).build()
        try Data(gguf).write(to: URL(fileURLWithPath: folder.path("q2.gguf")))
        let first = #expect(throws: CollabError.self) { _ = try GGUFCheckpoint(path: folder.path("q2.gguf")) }
        #expect(first?.code == .unsupported && first?.message.contains("“blk.0.x”") == true)
        #expect(
            first?.message.contains("Q2_K") == true && first?.message.contains("Q4_K, Q5_K, Q6_K") == true
        )

        let header = Array(#"{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#.utf8)
        let file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
        try Data(file + Array(repeating: 0, count: 8)).write(
            to: URL(fileURLWithPath: folder.path("f64.safetensors"))
        )
        let second = #expect(throws: CollabError.self) {
            _ = try SafetensorsCheckpoint(path: folder.path("f64.safetensors"))
        }
        #expect(second?.code == .unsupported && second?.message.contains("F64") == true)
    }

    private func read(_ checkpoint: any Checkpoint, _ tensor: String, _ range: Range<Int>) throws -> [Float] {
        var values = [Float](repeating: .nan, count: range.count)
        try values.withUnsafeMutableBufferPointer { try checkpoint.read(tensor, elements: range, into: $0) }
        return values
    }

    private struct Golden: Decodable {
        struct Row: Decodable {
            var first16: [Double]
            var last4: [Double]
            var sum: Double
            var l2: Double
        }

        struct Tensor: Decodable {
            var model: String
            var tensor: String
            var ggml_type: String
            var ne: [Int]
            var rows: [String: Row]
        }

        var tensors: [Tensor]
    }
}

/// A small seeded generator (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
