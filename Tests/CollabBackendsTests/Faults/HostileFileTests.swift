import Foundation
import Testing

/// Every malformed file, opened and used in a process that may die of it.
@Suite("Hostile files")
struct HostileFileTests {
    /// Which kinds are opened, and how many files of each there are at least.
    private static let kinds = [
        "gguf": 130, "gguf-model": 35, "safetensors": 110, "index": 20, "template": 30, "tokenizer": 20,
    ]

    @Test(
        "each has the stated outcome, in two seconds of processor time and its own size and 64 MiB of memory"
    )
    func corpus() throws {
        let corpus = try FuzzCorpus.shared.get()
        for (kind, count) in Self.kinds { #expect(corpus.cases(of: kind).count >= count) }
        let cases = corpus.cases.filter { Self.kinds[$0.kind] != nil }
        let results = try ProbedFile.probe(cases.map { ($0.kind, corpus.path(of: $0)) })
        for (file, result) in zip(cases, results) {
            check(result)
            switch file.expect {
            case .accept: #expect(result.outcome == .accepted, "\(file.file): \(file.why): \(result.message)")
            case .reject: #expect(result.outcome == .refused, "\(file.file) must be refused: \(file.why)")
            case .bounded: break
            }
        }
        // The measurement itself is there: reading a file costs memory.
        #if os(Linux)
            #expect(results.contains { $0.bytes > 1 << 20 })
        #endif
    }

    @Test(
        "traps, endless loops and too large allocations end the child and are noticed; the next file is opened"
    )
    func theLimitsAreReal() throws {
        let corpus = try FuzzCorpus.shared.get()
        let path = corpus.path(of: corpus.cases(of: "gguf")[0])
        let kinds = ["gguf", "trap", "gguf", "spin", "hunger", "gguf"]
        let outcomes = try ProbedFile.probe(kinds.map { ($0, path) }).map(\.outcome)
        for (kind, outcome) in zip(kinds, outcomes) {
            if kind == "gguf" {
                #expect(outcome == .accepted)
            } else if case .died = outcome {
            } else {
                #if !os(Linux)
                    if kind == "hunger" { continue }
                #endif
                if kind == "hunger", ProbedFile.patience != nil { continue }
                Issue.record("\(kind) goes unnoticed: \(outcome)")
            }
        }
    }

    private func check(_ result: ProbedFile) {
        if case .died(let how) = result.outcome { Issue.record("\(result.path) ends the process: \(how)") }
        #expect(result.milliseconds < 2000 * (ProbedFile.patience ?? 1), "\(result.path)")
        if ProbedFile.patience == nil {
            let size = (try? FileManager.default.attributesOfItem(atPath: result.path)[.size] as? Int) ?? 0
            #expect(result.bytes < size + 64 << 20, "\(result.path) took \(result.bytes) bytes")
        }
        guard result.outcome == .refused || result.outcome == .failed else { return }
        #expect(result.message.count > 20, "\(result.path): “\(result.message)”")
        let codes = [
            "malformedFile", "fileNotFound", "unsupported", "notFinite", "memoryLimit", "invalidRequest",
            "contextOverflow",
        ]
        #expect(codes.contains(result.code), "\(result.path): \(result.code): \(result.message)")
        if result.kind != "template" {
            #expect(!result.message.contains("The tensor “”"), "\(result.path): \(result.message)")
        }
    }
}
