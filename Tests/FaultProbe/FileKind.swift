import Collab
import CollabBackends
import Foundation

/// What a file claims to be, and how such a file is opened and used.
enum FileKind: String {
    /// A container alone: everything that its directory makes reachable is read.
    case gguf
    case safetensors
    /// A folder with `model.safetensors.index.json`.
    case index
    /// A model: it is loaded, reads a text and a dialogue, and decodes.
    case model = "gguf-model"
    case template
    /// A `tokenizer.json` under any name: it is read, and cuts texts into tokens.
    case tokenizer
    /// No file at all, to test the limits: traps, never ends, allocates 128 MiB without touching them.
    case trap, spin, hunger

    enum Outcome {
        case accepted
        case refused(CollabError)
        /// It could be opened, but not used.
        case failed(CollabError)

        var report: (verdict: String, error: CollabError?) {
            switch self {
            case .accepted: ("accept", nil)
            case .refused(let error): ("reject", error)
            case .failed(let error): ("fail", error)
            }
        }
    }

    static func warmUp() async {
        _ = await template.open("/dev/null")
        _ = await model.open("/dev/null")
    }

    func open(_ path: String) async -> Outcome {
        do throws(CollabError) {
            switch self {
            case .gguf: Self.read(try GGUFFile(path: path))
            case .safetensors:
                let file = try SafetensorsFile(path: path)
                for tensor in file.tensors { Self.touch(file.bytes(of: tensor)) }
            case .index:
                let checkpoint = try SafetensorsCheckpoint(path: path)
                for tensor in checkpoint.integerTensors { Self.touch(tensor.file.bytes(of: tensor.tensor)) }
            case .model:
                let options = NativeOptions(threads: 1)
                return await use(try await NativeModel(contentsOf: path, options: options))
            case .template:
                let source = try MappedFile(path: path)
                let text = String(decoding: source.bytes, as: UTF8.self)
                let messages: [Message] = [.user("Hi"), .assistant("Hello")]
                _ = try ChatTemplate(source: text).render(messages: messages)
            case .tokenizer: try Self.tokenise(path)
            case .trap: fatalError("as asked")
            case .spin: while clock() >= 0 {}
            case .hunger: UnsafeMutableRawPointer.allocate(byteCount: 128 << 20, alignment: 16).deallocate()
            }
            return .accepted
        } catch {
            return .refused(error)
        }
    }

    private static func tokenise(_ path: String) throws(CollabError) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let name = folder.appendingPathComponent("tokenizer.json")
            try FileManager.default.copyItem(at: URL(fileURLWithPath: path), to: name)
        } catch {
            throw CollabError(wrapping: error, as: .inputOutput, "The file could not be copied.")
        }
        let tokenizer = try ModelFolder(path: folder.path).makeTokenizer()
        for text in ["abc <unk> abab", "hello wörld 🙂\n", String(repeating: "a", count: 32) + "!"] {
            for token in try tokenizer.encode(text, parsingSpecialTokens: true) {
                _ = tokenizer.bytes(of: token)
            }
        }
    }

    private static func read(_ file: GGUFFile) {
        for entry in file.metadata.entries {
            guard case .array(let array) = entry.value else { continue }
            for position in 0..<min(array.count, 1000) { _ = array[position] }
            array.strings?.forEachBytes { _, bytes in Self.touch(bytes) }
        }
        for tensor in file.tensors { Self.touch(file.bytes(of: tensor)) }
    }

    private static func touch(_ bytes: UnsafeRawBufferPointer) {
        _ = bytes.first
        _ = bytes.last
    }

    private func use(_ model: NativeModel) async -> Outcome {
        do throws(CollabError) {
            let text = "hello <|eos|> wörld 🙂\n"
            let tokens = try model.tokenizer.encode(text, parsingSpecialTokens: true)
            for token in tokens { _ = model.tokenizer.bytes(of: token) }
            let decoder = try await model.makeDecoder()
            let known = Array(tokens.prefix(min(9, model.contextLength)))
            let read = known.isEmpty ? [0] : known
            _ = try await decoder.append(read, logits: .all)
            let fork = try await decoder.fork()
            try await fork.truncate(to: 0)
            let single = try await fork.append([read[0]], logits: .last)
            guard single.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
                return .failed(CollabError(.notFinite, "Logits that are not finite came without an error."))
            }
            let request = Request("Hi", options: GenerationOptions(maximumTokens: 2))
            _ = try await model.respond(to: request)
            return .accepted
        } catch {
            return .failed(error)
        }
    }
}
