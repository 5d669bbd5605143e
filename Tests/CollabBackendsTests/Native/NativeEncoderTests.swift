import Collab
import Foundation
import Testing

@testable import CollabBackends

/// The expected vectors are those of sentence-transformers and transformers; see `Scripts/fixtures/make_encoders.py`.
@Suite("Encoders of the BERT family")
struct NativeEncoderTests {
    struct Golden: Decodable {
        var texts: [String]
        var vectors: [String]

        init(_ name: String) throws {
            self = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixture("encoders/\(name)")))
        }

        /// Vectors as half-precision floats in base 64.
        func vector(_ index: Int) throws -> [Float] {
            let bytes = try #require(Data(base64Encoded: vectors[index]))
            return stride(from: 0, to: bytes.count, by: 2).map { place in
                let bits = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
                let exponent = Int(bits >> 10 & 31)
                let fraction = Float(bits & 1023) / 1024
                let size =
                    exponent == 0
                    ? fraction * 0x1p-14
                    : (1 + fraction) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
                return bits >> 15 == 0 ? size : -size
            }
        }
    }

    static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        let products = zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        func length(_ vector: [Float]) -> Double {
            vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        return products / (length(left) * length(right))
    }

    static func check(_ encoder: NativeEncoder, _ golden: Golden) async throws {
        let vectors = try await encoder.embed(golden.texts)
        #expect(golden.texts.count >= 30 && vectors.count == golden.texts.count)
        var worst = 1.0
        for (index, vector) in vectors.enumerated() {
            #expect(vector.count == encoder.dimension)
            let cosine = Self.cosine(vector, try golden.vector(index))
            worst = min(worst, cosine)
            #expect(cosine >= 0.9999, "\(golden.texts[index].prefix(40).debugDescription)")
            #expect(abs(Self.cosine(vector, vector) - 1) < 1e-5)
        }
        print("\(encoder.name): the lowest cosine is \(worst)")
    }

    @Test("all-MiniLM-L6-v2 makes the vectors of sentence-transformers")
    func miniLM() async throws {
        let path = URL(fileURLWithPath: RealModel.gemma3.path).deletingLastPathComponent()
            .appendingPathComponent("all-MiniLM-L6-v2").path
        let encoder = try await NativeEncoder(contentsOf: path)
        #expect(encoder.dimension == 384 && encoder.maximumTokens == 256)
        try await Self.check(encoder, Golden("minilm.json"))
        let vectors = try await encoder.embed(["a cat", "a kitten", "quarterly tax return"])
        #expect(Self.cosine(vectors[0], vectors[1]) > Self.cosine(vectors[0], vectors[2]) + 0.3)
    }

    @Test("Encoders of other sizes, activations and poolings", arguments: ["tiny", "tiny-first"], [1, 2, 3])
    func otherSizes(name: String, threads: Int) async throws {
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/\(name)").path, threads: threads)
        try await Self.check(encoder, Golden("\(name)/vectors.json"))
    }

    @Test("An encoder in a GGUF file makes the vectors of the folder it was made from")
    func gguf() async throws {
        // Written by `Scripts/fixtures/make_encoder_gguf.py` with the format's own library; matrices are float16.
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/tiny.gguf").path, threads: 2)
        #expect(encoder.name == "tiny" && encoder.dimension == 36 && encoder.maximumTokens == 48)
        try await Self.check(encoder, Golden("tiny/vectors.json"))
    }

    @Test("Files that hold no encoder that is known are refused with the reason")
    func otherFiles() async throws {
        let path = fixture("encoders/tiny.gguf").path
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        func failure(_ name: String, _ change: (inout Data) throws -> Void) async throws -> CollabError? {
            let folder = try TemporaryFolder()
            let url = folder.url.appendingPathComponent("changed.gguf")
            var bytes = whole
            try change(&bytes)
            try bytes.write(to: url)
            do {
                _ = try await NativeEncoder(contentsOf: url.path)
                return nil
            } catch {
                return error
            }
        }
        /// Writes a number of 32 bits behind a key.
        func set(_ key: String, _ value: UInt32, in bytes: inout Data) throws {
            let place = try #require(bytes.range(of: Data(key.utf8))).upperBound + 4
            bytes.replaceSubrange(
                place..<place + 4,
                with: withUnsafeBytes(of: value.littleEndian) { Data($0) }
            )
        }
        #expect(try await failure("unchanged") { _ in } == nil)
        #expect(try await failure("rank") { try set("bert.pooling_type", 4, in: &$0) }?.code == .unsupported)
        #expect(try await failure("heads") { try set("head_count", 7, in: &$0) }?.code == .malformedFile)
        #expect(try await failure("layers") { try set("block_count", 4, in: &$0) }?.code == .tensorMismatch)
        let more = try await failure("fewer layers") { try set("block_count", 2, in: &$0) }
        #expect(more?.code == .unsupported && more?.message.contains("blk.2.") == true)
        #expect(
            try await failure("width") { try set("embedding_length", 48, in: &$0) }?.code == .tensorMismatch
        )
        #expect(
            try await failure("positions") { try set("context_length", 2, in: &$0) }?.code == .malformedFile
        )
        let large = try await failure("no memory") {
            // Sizes that fit together, and no machine.
            try set("context_length", 1 << 24, in: &$0)
            try set("feed_forward_length", 1 << 24, in: &$0)
            try set("block_count", 4096, in: &$0)
        }
        #expect(large?.code == .memoryLimit)
        let noSegment = try await failure("no kind of segment") {
            // The extents follow the name and the number of dimensions.
            let name = try #require($0.range(of: Data("token_types.weight".utf8))).upperBound
            $0.replaceSubrange(name + 12..<name + 20, with: Data(count: 8))
        }
        #expect(noSegment?.code == .tensorMismatch)
        let cut = try await failure("cut") { $0.removeLast(1000) }
        #expect(cut?.code == .malformedFile)
        let decoder = TinyModels.path("gguf/llama.gguf")
        let other = await #expect(throws: CollabError.self) { try await NativeEncoder(contentsOf: decoder) }
        #expect(other?.code == .unsupported && other?.message.contains("“llama”") == true)
    }

    @Test("A text has the same vector alone, in any company and at any place")
    func company() async throws {
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/tiny").path, threads: 2)
        let texts = try Golden("minilm.json").texts + (0..<60).map { String(repeating: "word ", count: $0) }
        let together = try await encoder.embed(texts)
        let reversed = try await encoder.embed(texts.reversed())
        for index in texts.indices {
            let alone = try await encoder.embed([texts[index]])
            #expect(Self.cosine(alone[0], together[index]) > 0.999_999)
            #expect(Self.cosine(reversed[texts.count - 1 - index], together[index]) > 0.999_999)
        }
        #expect(try await encoder.embed([]).isEmpty)
    }

    @Test("While others compute too one worker does it all, and no bit changes", arguments: [2, 3])
    func share(threads: Int) async throws {
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/tiny").path, threads: threads)
        let texts = (1..<30).map { String(repeating: "ships and waves ", count: $0) }
        var expected: [[[Float]]] = []
        for count in [1, 3, 29] { expected.append(try await encoder.embed(Array(texts.prefix(count)))) }
        let (began, ends) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        // Other engines, as it were, for as many workers as this encoder has.
        for _ in 0..<threads {
            Thread.detachNewThread {
                ComputeShare.machine.run(of: 1) { _ in
                    began.signal()
                    ends.wait()
                }
            }
        }
        for _ in 0..<threads { began.wait() }
        defer { for _ in 0..<threads { ends.signal() } }
        ComputeShare.machine.run(of: threads) { workers in #expect(workers == 1) }
        for (index, count) in [1, 3, 29].enumerated() {
            #expect(try await encoder.embed(Array(texts.prefix(count))) == expected[index])
        }
    }

    @Test("Texts that differ only beyond the longest input have the same vector")
    func truncation() async throws {
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/tiny").path)
        let long = String(repeating: "a ", count: encoder.maximumTokens)
        let vectors = try await encoder.embed([long + "ships", long + "waves"])
        #expect(vectors[0] == vectors[1])
    }

    @Test("Many calls at once take turns, and a cancelled one ends")
    func calls() async throws {
        let encoder = try await NativeEncoder(contentsOf: fixture("encoders/tiny").path, threads: 2)
        let expected = try await encoder.embed(["ships", "waves"])
        try await withThrowingTaskGroup(of: [[Float]].self) { group in
            for _ in 0..<40 { group.addTask { try await encoder.embed(["ships", "waves"]) } }
            for try await vectors in group { #expect(vectors == expected) }
        }
        let task = Task { try await encoder.embed(Array(repeating: "stars and ships", count: 20_000)) }
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("Folders that do not fit together are refused with the reason")
    func damaged() async throws {
        func failure(_ change: (inout [String: Any]) -> Void) async throws -> CollabError? {
            let folder = try TemporaryFolder()
            for name in ["model.safetensors", "tokenizer.json"] {
                try Data(contentsOf: fixture("encoders/tiny/\(name)")).write(
                    to: folder.url.appendingPathComponent(name)
                )
            }
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: fixture("encoders/tiny/config.json"))
            )
            var configuration = try #require(json as? [String: Any])
            change(&configuration)
            try JSONSerialization.data(withJSONObject: configuration)
                .write(to: folder.url.appendingPathComponent("config.json"))
            do {
                _ = try await NativeEncoder(contentsOf: folder.url.path)
                return nil
            } catch {
                return error
            }
        }
        #expect(try await failure { _ in } == nil)
        #expect(try await failure { $0["model_type"] = "gpt_neox" }?.code == .unsupported)
        #expect(try await failure { $0["hidden_act"] = "swish" }?.code == .unsupported)
        #expect(try await failure { $0["position_embedding_type"] = "relative_key" }?.code == .unsupported)
        #expect(try await failure { $0["hidden_size"] = 48 }?.code == .tensorMismatch)
        #expect(try await failure { $0["hidden_size"] = 0 }?.code == .malformedFile)
        #expect(try await failure { $0["num_attention_heads"] = 7 }?.code == .malformedFile)
        #expect(try await failure { $0["num_hidden_layers"] = 4 }?.code == .tensorMismatch)
        let more = try await failure { $0["num_hidden_layers"] = 1 }
        #expect(more?.code == .unsupported && more?.message.contains("encoder.layer.1.") == true)
        #expect(try await failure { $0["vocab_size"] = 1 << 40 }?.code == .malformedFile)
        #expect(try await failure { $0["vocab_size"] = 600 }?.code == .malformedFile)
        #expect(try await failure { $0["max_position_embeddings"] = 1 }?.code == .malformedFile)
    }
}
