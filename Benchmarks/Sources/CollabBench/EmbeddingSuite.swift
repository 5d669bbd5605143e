import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// The native encoder on a real model, beside sentence-transformers on PyTorch if it is there.
struct EmbeddingSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embedding",
        abstract: "Measure how many texts a second the native encoder embeds."
    )

    @Option(help: "A folder with a BERT encoder; all-MiniLM-L6-v2 of the set-up if none.")
    var model: String?

    @Option(help: "How many threads compute.")
    var threads = 2

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Option(help: "A python with sentence-transformers, to measure beside.")
    var peerPython: String?

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1.") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be 1 to 256.") }
    }

    func run() async throws {
        var report = Report(suite: "embedding")
        report.machine["threads"] = String(threads)
        report.printHeader(json: json)
        let path = model ?? SampleTexts.models.appendingPathComponent("all-MiniLM-L6-v2").path
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let start = ContinuousClock.now
        let encoder = try await NativeEncoder(contentsOf: path, threads: threads)
        report.add(
            Measurement(name: "load", figures: ["ms": seconds(since: start) * 1e3]),
            json: json
        )
        let peer = try peerPython.map {
            try PeerProcess(python: $0, script: "sentence_rates.py", model: path, threads: threads)
        }
        if let peer { report.machine["peer"] = peer.build }
        for (name, texts) in [
            ("one question", try SampleTexts.sentences(1, words: 12...12)),
            ("64 questions", try SampleTexts.sentences(64, words: 6...20)),
            ("256 texts of many lengths", try SampleTexts.sentences(256, words: 2...160)),
            ("32 long texts", try SampleTexts.sentences(32, words: 300...300)),
        ] {
            let file = try SampleTexts.write(texts, in: folder, "texts")
            var ours: [Double] = []
            var others: [Double] = []
            let repeats = max(1, 8 / texts.count)
            // One round more than counts, to warm up.
            for round in 0...rounds {
                let start = ContinuousClock.now
                for _ in 0..<repeats { _ = try await encoder.embed(texts) }
                let rate = Double(repeats * texts.count) / seconds(since: start)
                let other = try peer?.rate(of: "embed \(file)")
                if round == 0 { continue }
                ours.append(rate)
                if let other { others.append(other) }
            }
            var figures = ["texts/s": median(ours)]
            if !others.isEmpty {
                figures["texts/s of the peer"] = median(others)
                figures["ratio"] = median(zip(ours, others).map { $0 / $1 })
            }
            report.add(
                Measurement(name: name, conditions: ["threads": String(threads)], figures: figures),
                json: json
            )
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }
}
