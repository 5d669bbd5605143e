import Collab
import CollabBackends
import Foundation
import Testing

/// Files that other programs cut short or write to while they are mapped: errors, not crashes, and no wrong weights.
@Suite("Model files that change while they are in use")
struct ChangedFileTests {
    @Test("a tensor whose pages are gone reads as zeros, and the check says so")
    func lostPages() async throws {
        await #expect(processExitsWith: .success) {
            let model = try TinyModelFile()
            let checkpoint = try GGUFCheckpoint(path: model.path)
            let storage = try #require(checkpoint.storage(of: "blk.0.ffn_down.weight"))
            try storage.checkUnchanged()
            #expect(storage.withBytes { $0.contains { $0 != 0 } })
            model.cut()
            #expect(storage.withBytes { $0.allSatisfy { $0 == 0 } })
            #expect(throws: CollabError.self) { try storage.checkUnchanged() }
            let error = #expect(throws: CollabError.self) {
                _ = try checkpoint.values(of: "blk.0.ffn_up.weight")
            }
            #expect(error?.code == .inputOutput)
        }
    }

    @Test("a file that is cut short while its weights are loaded is an error")
    func cutWhileLoading() async throws {
        await #expect(processExitsWith: .success) {
            for tensor in ["blk.0.attn_q.weight", "blk.0.ffn_down.weight", "token_embd.weight"] {
                let model = try TinyModelFile()
                // The file goes when the loader has looked at its length and is about to read.
                let checkpoint = CuttingCheckpoint(base: try GGUFCheckpoint(path: model.path), tensor: tensor)
                {
                    model.cut()
                }
                let error = await #expect(throws: CollabError.self) {
                    _ = try await NativeModel(checkpoint: checkpoint)
                }
                #expect(error?.code == .inputOutput, "\(tensor): \(String(describing: error))")
            }
        }
    }

    @Test("a file that is cut and restored again and again never brings the process down")
    func cutAtRandom() async throws {
        await #expect(processExitsWith: .success) {
            let model = try TinyModelFile()
            let writer = Thread {
                while true {
                    model.cut()
                    model.restore()
                }
            }
            writer.start()
            var outcomes: Set<CollabError.Code?> = []
            for _ in 0..<300 {
                do throws(CollabError) {
                    let checkpoint = try GGUFCheckpoint(path: model.path)
                    for tensor in checkpoint.tensors { _ = try checkpoint.values(of: tensor.name) }
                    outcomes.insert(nil)
                } catch {
                    outcomes.insert(error.code)
                }
            }
            #expect(outcomes.isSubset(of: [nil, .inputOutput, .malformedFile]), "\(outcomes)")
            #expect(outcomes.contains(.inputOutput) || outcomes.contains(.malformedFile))
        }
    }

    @Test("a file that is written to in place is noticed")
    func overwritten() throws {
        let model = try TinyModelFile()
        let old = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)]
        try FileManager.default.setAttributes(old, ofItemAtPath: model.path)
        let checkpoint = try GGUFCheckpoint(path: model.path)
        _ = try checkpoint.values(of: "output_norm.weight")
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: model.path))
        try file.seek(toOffset: UInt64(model.bytes.count - 1))
        try file.write(contentsOf: Data([7]))
        let error = #expect(throws: CollabError.self) { _ = try checkpoint.values(of: "output_norm.weight") }
        #expect(error?.code == .inputOutput && error?.message.contains("written to") == true)
    }

    @Test("a file that is replaced by renaming stays as it was")
    func replaced() throws {
        let model = try TinyModelFile()
        let checkpoint = try GGUFCheckpoint(path: model.path)
        try Data("something else".utf8).write(to: URL(fileURLWithPath: model.path), options: .atomic)
        #expect(try checkpoint.values(of: "output_norm.weight").allSatisfy { $0 == 1 })
    }

    #if os(Linux)
        @Test("a fault in memory that nobody watches ends the process as ever")
        func othersFaults() async throws {
            await #expect(processExitsWith: .signal(SIGBUS)) {
                let model = try TinyModelFile()
                _ = try GGUFFile(path: model.path)
                let descriptor = open(model.path, O_RDONLY)
                let map = mmap(nil, model.bytes.count, PROT_READ, MAP_PRIVATE, descriptor, 0)
                model.cut()
                _ = map?.load(fromByteOffset: 20_000, as: UInt8.self)
                exit(0)
            }
        }
    #endif
}

/// A little model in a file of its own.
final class TinyModelFile: Sendable {
    let path: String
    let bytes: Data
    private let folder: TemporaryFolder

    init(_ name: String = "m-ok-base.gguf") throws {
        let corpus = try FuzzCorpus.shared.get()
        bytes = try Data(contentsOf: URL(fileURLWithPath: corpus.folder + "/gguf/" + name))
        folder = try TemporaryFolder()
        path = folder.path("model.gguf")
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    /// Leaves the first page.
    func cut() { truncate(path, 4096) }

    /// Writes the contents back into the same file.
    func restore() {
        guard let file = FileHandle(forUpdatingAtPath: path) else { return }
        try? file.write(contentsOf: bytes)
        try? file.close()
    }
}

/// Calls a closure when the bytes of a tensor are lent.
private struct CuttingCheckpoint: Checkpoint {
    let base: GGUFCheckpoint
    let tensor: String
    let cut: @Sendable () -> Void

    var name: String { base.name }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }

    func storage(of name: String) -> TensorStorage? {
        let storage = base.storage(of: name)
        if name == tensor { cut() }
        return storage
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try base.read(tensor, elements: elements, into: buffer)
    }
}
