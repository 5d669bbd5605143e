import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Malformed model files")
struct FormatFuzzTests {
    /// Opens a file of the corpus as its kind says and reads everything that opening makes reachable.
    static func open(_ kind: String, _ path: String) throws(CollabError) {
        switch kind {
        case "gguf":
            let file = try GGUFFile(path: path)
            for entry in file.metadata.entries {
                guard case .array(let array) = entry.value else { continue }
                for position in 0..<min(array.count, 1000) { _ = array[position] }
                array.strings?.forEachBytes { _, bytes in _ = bytes.last }
            }
            for tensor in file.tensors {
                let bytes = file.bytes(of: tensor)
                _ = bytes.first
                _ = bytes.last
            }
        case "safetensors":
            let file = try SafetensorsFile(path: path)
            for tensor in file.tensors {
                let bytes = file.bytes(of: tensor)
                _ = bytes.first
                _ = bytes.last
            }
        case "index":
            let checkpoint = try SafetensorsCheckpoint(path: path)
            for tensor in checkpoint.integerTensors { _ = tensor.file.bytes(of: tensor.tensor).last }
        default: fatalError("There is no kind \(kind).")
        }
    }

    @Test("each file has the stated outcome within two seconds", arguments: ["gguf", "safetensors", "index"])
    func outcome(kind: String) async throws {
        let corpus = try FuzzCorpus.shared.get()
        let cases = corpus.cases(of: kind)
        #expect(cases.count >= 20)
        for file in cases {
            await Task.yield()
            let clock = ContinuousClock()
            let begin = clock.now
            var failure: CollabError?
            do throws(CollabError) { try Self.open(kind, corpus.path(of: file)) } catch { failure = error }
            #expect(clock.now - begin < .seconds(2), "\(file.file): \(file.why)")
            switch file.expect {
            case .accept: #expect(failure == nil, "\(file.file): \(file.why)")
            case .reject: #expect(failure != nil, "\(file.file) must be refused: \(file.why)")
            case .bounded: break
            }
            guard let failure else { continue }
            #expect(
                [.malformedFile, .fileNotFound, .unsupported].contains(failure.code),
                "\(file.file): \(failure)"
            )
            #expect(failure.message.contains(corpus.folder), "the error names the file: \(failure)")
        }
    }

    @Test("randomly damaged files are taken and refused as the plain reference checker does")
    func mutations() async throws {
        let corpus = try FuzzCorpus.mutations.get()
        #expect(Set(corpus.cases.map(\.expect)) == [.accept, .reject])
        for file in corpus.cases {
            await Task.yield()
            var failure: CollabError?
            do throws(CollabError) { try Self.open(file.kind, corpus.path(of: file)) } catch {
                failure = error
            }
            #expect(
                (failure == nil) == (file.expect == .accept),
                "\(file.file) (\(file.why)): \(failure?.message ?? "accepted"), the checker says \(file.code)"
            )
        }
    }
}
