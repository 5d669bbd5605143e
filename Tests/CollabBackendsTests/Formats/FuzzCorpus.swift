import Foundation
import Testing

/// Malformed and valid model files, made by `Fixtures/formats/make_corpus.py` once a test run.
struct FuzzCorpus: Sendable {
    struct Case: Sendable, Codable {
        /// What has to happen when the file is opened.
        enum Outcome: String, Sendable, Codable {
            case reject, accept, bounded
        }

        var file: String
        var kind: String
        var expect: Outcome
        var why: String
        var code: String
    }

    var folder: String
    var cases: [Case]

    /// The corpus, or why it could not be made.
    static let shared = Result { try FuzzCorpus() }

    /// The cases of a kind: `gguf`, `gguf-model`, `safetensors`, `index`, `tokenizer` or `template`.
    func cases(of kind: String) -> [Case] { cases.filter { $0.kind == kind } }

    func path(of file: Case) -> String { folder + "/" + file.file }

    /// A file of this target's fixtures for formats, in the source tree.
    static func fixture(_ name: String) -> String {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return here.appendingPathComponent("Fixtures/formats/" + name).path
    }

    private init() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("collab-corpus-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-B", Self.fixture("make_corpus.py"), folder.path]
        python.standardOutput = FileHandle.nullDevice
        try python.run()
        python.waitUntilExit()
        guard python.terminationStatus == 0 else {
            throw Missing(
                description:
                    "The corpus of malformed files could not be made; is python3 (3.9 or later) installed?"
            )
        }
        self.folder = folder.path
        let manifest = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
        cases = try JSONDecoder().decode([Case].self, from: manifest)
        CorpusRemoval.folder = folder.path
        atexit { try? FileManager.default.removeItem(atPath: CorpusRemoval.folder) }
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String
    }
}

private enum CorpusRemoval {
    // Written once, before the handler that reads it is registered.
    nonisolated(unsafe) static var folder = ""
}
