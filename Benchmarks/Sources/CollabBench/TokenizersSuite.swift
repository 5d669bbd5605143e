import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Encoding and decoding with tokenizers of every kind, beside Hugging Face's library if it is there.
struct TokenizersSuite: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizers",
        abstract: "Measure encoding, decoding and loading of tokenizers."
    )

    @Option(help: "A folder with a tokenizer.json; without one, MiniLM's and the small ones of the tests.")
    var tokenizer: [String] = []

    @Option(help: "Megabytes of text.")
    var megabytes = 2.0

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Option(help: "A python with the package tokenizers, to measure beside.")
    var peerPython: String?

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard rounds > 0, megabytes > 0 else {
            throw ValidationError("--rounds and --megabytes must be positive.")
        }
    }

    func run() throws {
        var report = Report(suite: "tokenizers")
        report.printHeader(json: json)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let bytes = Int(megabytes * 1e6)
        let texts = [
            ("English", try SampleTexts.englishDocuments(bytes: bytes)),
            ("mixed", SampleTexts.mixedDocuments(bytes: bytes)),
        ]
        for path in try folders() { try measure(path, texts, folder, into: &report) }
        if tokenizer.isEmpty {
            for name in ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"] {
                let path = SampleTexts.models.appendingPathComponent(name).path
                guard FileManager.default.fileExists(atPath: path) else { continue }
                let tokenizer = try GGUFFile(path: path).metadata.makeTokenizer()
                for (kind, documents) in texts {
                    try measure(tokenizer, name, kind, documents, nil, "", into: &report)
                }
            }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func folders() throws -> [String] {
        if !tokenizer.isEmpty { return tokenizer }
        let small = SampleTexts.fixture("tokenizer-files")
        let names = try FileManager.default.contentsOfDirectory(atPath: small.path).sorted()
        let folders = names.map { small.appendingPathComponent($0).path }
        return ([SampleTexts.models.appendingPathComponent("all-MiniLM-L6-v2").path] + folders)
            .filter { FileManager.default.fileExists(atPath: $0 + "/tokenizer.json") }
    }

    private func measure(
        _ path: String,
        _ texts: [(String, [String])],
        _ folder: URL,
        into report: inout Report
    ) throws {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let files = try ModelFolder(path: path)
        let loading = try Timing(rounds: rounds) { _ = try files.makeTokenizer() }
        report.add(
            Measurement(name: "\(name) load", figures: ["ms": loading.median * 1e3]),
            json: json
        )
        let tokenizer = try files.makeTokenizer()
        let peer = try peerPython.map {
            try PeerProcess(
                python: $0,
                script: "hf_tokenizers_rates.py",
                model: path + "/tokenizer.json",
                threads: 1
            )
        }
        for (kind, documents) in texts {
            let file = try SampleTexts.write(documents, in: folder, kind)
            try measure(tokenizer, name, kind, documents, peer, file, into: &report)
        }
    }

    private func measure(
        _ tokenizer: any ModelTokenizer,
        _ name: String,
        _ kind: String,
        _ documents: [String],
        _ peer: PeerProcess?,
        _ file: String,
        into report: inout Report
    ) throws {
        let size = Double(documents.reduce(0) { $0 + $1.utf8.count }) / 1e6
        var tokens: [[TokenID]] = []
        var rates: [String: [Double]] = [:]
        for _ in 0..<rounds {
            let encoding = try Timing(rounds: 1, warm: false) {
                tokens = try documents.map { try tokenizer.encode($0, parsingSpecialTokens: true) }
            }
            rates["encode", default: []].append(size / encoding.median)
            let decoding = Timing(rounds: 1, warm: false) {
                for document in tokens { _ = tokenizer.decode(document) }
            }
            rates["decode", default: []].append(size / decoding.median)
            for figure in ["encode", "decode"] where peer != nil {
                rates["peer " + figure, default: []].append(try peer!.rate(of: "\(figure) \(file)"))
            }
        }
        for figure in ["encode", "decode"] {
            var figures = ["MB/s": median(rates[figure]!)]
            if let others = rates["peer " + figure] {
                figures["MB/s of the peer"] = median(others)
                figures["ratio"] = median(zip(rates[figure]!, others).map { $0 / $1 })
            }
            report.add(
                Measurement(name: "\(name) \(figure)", conditions: ["text": kind], figures: figures),
                json: json
            )
        }
    }
}
