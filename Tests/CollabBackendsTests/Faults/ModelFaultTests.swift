import Collab
import Foundation
import Testing

@testable import CollabBackends

/// What a model says of its own faults and of bad use, on a model of 27 KiB.
@Suite("Faults of a native model")
struct ModelFaultTests {
    @Test("a number of threads, or a context, that makes no sense", arguments: [0, -1, 257, .max])
    func threads(count: Int) async throws {
        let model = try TinyModelFile()
        let options = NativeOptions(threads: count)
        let error = await #expect(throws: CollabError.self) {
            _ = try await NativeModel(contentsOf: model.path, options: options)
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("not by \(count)") == true)
        guard count < 1 else { return }
        let context = await #expect(throws: CollabError.self) {
            _ = try await NativeModel(contentsOf: model.path, options: NativeOptions(contextLength: count))
        }
        #expect(context?.code == .invalidRequest)
    }

    @Test("more tokens than the context holds, also when they come one by one")
    func context() async throws {
        let model = try await load()
        let decoder = try await model.makeDecoder()
        let all = await #expect(throws: CollabError.self) {
            _ = try await decoder.append(Array(repeating: 1, count: 65), logits: .last)
        }
        #expect(all?.code == .contextOverflow && all?.message.contains("64") == true)
        for _ in 0..<64 { _ = try await decoder.append([1], logits: .none) }
        let last = await #expect(throws: CollabError.self) {
            _ = try await decoder.append([1], logits: .last)
        }
        #expect(last?.code == .contextOverflow && decoder.position == 64)
    }

    @Test("ids outside the vocabulary", arguments: [-1, 259, TokenID.max, .min])
    func ids(token: TokenID) async throws {
        let model = try await load()
        let decoder = try await model.makeDecoder()
        let error = await #expect(throws: CollabError.self) {
            _ = try await decoder.append([1, token, 2], logits: .all)
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("\(token)") == true)
        #expect(decoder.position == 0)
        await #expect(throws: CollabError.self) { _ = try await model.logprobs(of: [1, token]) }
    }

    @Test("weights that are no numbers, by the name of their tensor")
    func notFinite() async throws {
        let norm = await #expect(throws: CollabError.self) { _ = try await load("m-norm-nan.gguf") }
        #expect(norm?.code == .notFinite && norm?.message.contains("“output_norm.weight”") == true)
        let damaged = [
            ("m-scale-nan.gguf", "token_embd.weight"), ("m-scale-inf.gguf", "blk.0.attn_q.weight"),
        ]
        for (file, tensor) in damaged {
            let error = await #expect(throws: CollabError.self, "\(file)") { _ = try await load(file) }
            #expect(error?.code == .notFinite && error?.message.contains("“\(tensor)”") == true)
        }
    }

    @Test("a limit of memory that is too small for the weights, or for what runs them, with the bytes needed")
    func memoryLimit() async throws {
        let path = try TinyModelFile()
        for limit in [0, 1000, 100_000] {
            let options = NativeOptions(threads: 1, memoryLimit: limit)
            let error = await #expect(throws: CollabError.self) {
                _ = try await NativeModel(contentsOf: path.path, options: options)
            }
            #expect(error?.code == .memoryLimit && error?.message.contains(" \(limit)") == true)
            #expect(error?.message.contains(/take \d+ bytes/) == true, "\(String(describing: error))")
        }
    }

    /// The file is a hole of a terabyte, so that nothing but the sizes speaks against the model.
    @Test("a model of a terabyte is refused before memory is asked for")
    func terabyte() async throws {
        let (width, hidden) = (1 << 20, 1 << 18)
        var file = GGUFBuilder()
            .key("general.architecture", .string("llama"))
            .key("tokenizer.ggml.model", .string("gpt2"))
            .key("tokenizer.ggml.pre", .string("gpt-2"))
            .key("tokenizer.ggml.tokens", .strings(["a", "b"]))
            .key("tokenizer.ggml.token_type", .integers([1, 1], width: .int32))
            .key("tokenizer.ggml.merges", .strings([]))
            .key("llama.attention.layer_norm_rms_epsilon", .float32(1e-5))
        let sizes = [
            ("block_count", 1), ("context_length", 64), ("embedding_length", width),
            ("feed_forward_length", hidden),
            ("attention.head_count", 2), ("attention.key_length", 2), ("attention.value_length", 2),
            ("rope.dimension_count", 2),
        ]
        for (key, value) in sizes { file = file.key("llama." + key, .integer(Int64(value), width: .uint32)) }
        let tensors = [
            ("token_embd", [width, 2]), ("output_norm", [width]), ("blk.0.attn_norm", [width]),
            ("blk.0.attn_q", [width, 4]), ("blk.0.attn_k", [width, 4]), ("blk.0.attn_v", [width, 4]),
            ("blk.0.attn_output", [4, width]), ("blk.0.ffn_norm", [width]),
            ("blk.0.ffn_gate", [width, hidden]),
            ("blk.0.ffn_up", [width, hidden]), ("blk.0.ffn_down", [hidden, width]),
        ]
        for (name, shape) in tensors {
            let bytes = shape.reduce(4, *)
            file = file.hole(
                name + ".weight",
                dimensions: shape.map { UInt64($0) },
                type: 0,
                byteCount: bytes
            )
        }
        let folder = try TemporaryFolder()
        let path = folder.path("terabyte.gguf")
        try Data(file.build()).write(to: URL(fileURLWithPath: path))
        // Not every file system takes it.
        guard truncate(path, off_t(file.fullCount)) == 0 else { return }
        let error = await #expect(throws: CollabError.self) { _ = try await NativeModel(contentsOf: path) }
        #expect(error?.code == .memoryLimit, "\(String(describing: error))")
        #expect(error?.message.contains(/take 32\d{11} bytes/) == true, "\(String(describing: error))")
    }

    @Test("a decoder that two tasks use at once")
    func twoTasks() async throws {
        let model = try await load()
        let decoder = model.makeNativeDecoder()
        let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isFirst = Protected(true)
        let probe = ActivationProbe { _, _, _, _ in
            guard
                isFirst.withLock({ first in
                    defer { first = false }; return first
                })
            else { return }
            entered.signal()
            leave.wait()
        }
        let first = Task { try await decoder.run([1, 2, 3], Readout(), probe: probe) }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                entered.wait()
                continuation.resume()
            }
        }
        // The first task is in the middle of its step.
        let append = await #expect(throws: CollabError.self) {
            _ = try await decoder.append([1], logits: .last)
        }
        #expect(append?.code == .invalidRequest && append?.message.contains("two tasks") == true)
        let truncate = await #expect(throws: CollabError.self) { try await decoder.truncate(to: 0) }
        #expect(truncate?.code == .invalidRequest)
        let fork = await #expect(throws: CollabError.self) { _ = try await decoder.fork() }
        #expect(fork?.code == .invalidRequest)
        leave.signal()
        _ = try await first.value
        #expect(decoder.position == 3)
        _ = try await decoder.append([4], logits: .last)
        // A readout that was made before another task read on.
        let late = await #expect(throws: CollabError.self) {
            _ = try await decoder.run([5], Readout(kind: .logits, positions: 3..<4))
        }
        #expect(late?.code == .invalidRequest && late?.message.contains("two tasks") == true)
        #expect(decoder.position == 4)
    }

    private func load(_ name: String = "m-ok-base.gguf") async throws(CollabError) -> NativeModel {
        let path: String
        do {
            let corpus = try FuzzCorpus.shared.get()
            path = corpus.folder + "/gguf/" + name
        } catch {
            throw CollabError(wrapping: error)
        }
        return try await NativeModel(contentsOf: path, options: NativeOptions(threads: 1))
    }
}
