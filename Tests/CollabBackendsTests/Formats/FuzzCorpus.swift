import Collab
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
    static let shared = Result { try FuzzCorpus("make_corpus.py") }

    /// Randomly damaged files, labelled by the plain reference checker.
    ///
    /// `COLLAB_FUZZ_SEED` and `COLLAB_FUZZ_COUNT` choose others and more.
    static let mutations = Result {
        let environment = ProcessInfo.processInfo.environment
        return try FuzzCorpus(
            "make_mutations.py",
            environment["COLLAB_FUZZ_SEED"] ?? "1",
            environment["COLLAB_FUZZ_COUNT"] ?? "600"
        )
    }

    /// The cases of a kind: `gguf`, `gguf-model`, `safetensors`, `index`, `tokenizer` or `template`.
    func cases(of kind: String) -> [Case] { cases.filter { $0.kind == kind } }

    func path(of file: Case) -> String { folder + "/" + file.file }

    /// A file of this target's fixtures for formats, in the source tree.
    static func fixture(_ name: String) -> String {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return here.appendingPathComponent("Fixtures/formats/" + name).path
    }

    private init(_ script: String, _ arguments: String...) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("collab-corpus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-B", Self.fixture(script), folder.path] + arguments
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
        Self.removeAtExit(folder.path)
    }

    private static func removeAtExit(_ folder: String) {
        CorpusRemoval.folders.withLock { folders in
            if folders.isEmpty {
                atexit {
                    for folder in CorpusRemoval.folders.withLock({ $0 }) {
                        try? FileManager.default.removeItem(atPath: folder)
                    }
                }
            }
            folders.append(folder)
        }
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String
    }
}

private enum CorpusRemoval {
    static let folders = Protected<[String]>([])
}
