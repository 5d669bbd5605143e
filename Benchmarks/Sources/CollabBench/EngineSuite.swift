import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// The native engine on a real model, beside llama.cpp if it is there.
///
/// The two take turns round by round, since the memory of shared machines swings by the minute; what counts is the
/// median of the rounds' ratios.
struct EngineSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measure reading, writing and batches of the native engine."
    )

    @Option(help: "A GGUF file; without one, the two models of the set-up.")
    var model: [String] = []

    @Option(help: "How many threads compute.")
    var threads = 2

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Option(help: "A python with llama-cpp-python built for this machine, to measure beside.")
    var peerPython: String?

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1.") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be 1 to 256.") }
    }

    func run() async throws {
        var report = Report(suite: "engine")
        report.machine["threads"] = String(threads)
        report.printHeader(json: json)
        for path in try models() { try await measure(path, into: &report) }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func models() throws -> [String] {
        if !model.isEmpty { return model }
        let environment = ProcessInfo.processInfo.environment
        #if os(macOS)
            let cache = NSHomeDirectory() + "/Library/Caches"
        #else
            let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        #endif
        let folder = environment["COLLAB_MODELS"] ?? cache + "/collab/models"
        return ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"].map { folder + "/" + $0 }
    }

    private func measure(_ path: String, into report: inout Report) async throws {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let start = ContinuousClock.now
        let runner = try await EngineRunner(path: path, threads: threads)
        let load = seconds(since: start)
        report.add(
            Measurement(name: "\(name) load to first token", figures: ["s": load]),
            json: json
        )
        let peer = try peerPython.map { try PeerProcess(python: $0, model: path, threads: threads) }
        if let peer { report.machine["peer"] = "llama.cpp: \(peer.build)" }
        for figure in EngineFigure.all {
            var ours: [Double] = []
            var ratios: [Double] = []
            var theirs: [Double] = []
            // The first round warms both up.
            for round in 0...rounds {
                let rate = try await runner.rate(figure)
                let other = try peer?.rate(figure)
                guard round > 0 else { continue }
                ours.append(rate)
                if let other {
                    theirs.append(other)
                    ratios.append(rate / other)
                }
            }
            var figures = ["tokens/s": median(ours), "tokens/s best": ours.max() ?? 0]
            if peer != nil {
                figures["tokens/s llama.cpp"] = median(theirs)
                figures["× llama.cpp"] = median(ratios)
            }
            report.add(
                Measurement(
                    name: "\(name) \(figure.name)",
                    conditions: ["threads": String(threads)],
                    figures: figures
                ),
                json: json
            )
        }
    }

    private func median(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }
}

/// What is measured.
enum EngineFigure {
    case prefill(Int)
    case decode(prompt: Int, count: Int)
    case batch(sequences: Int, prompt: Int, count: Int)

    static let all: [EngineFigure] = [
        .prefill(512), .decode(prompt: 128, count: 128), .batch(sequences: 2, prompt: 128, count: 64),
        .batch(sequences: 8, prompt: 128, count: 64),
    ]

    var name: String {
        switch self {
        case .prefill(let count): "reading \(count) tokens"
        case .decode: "writing, one sequence"
        case .batch(let sequences, _, _): "writing, \(sequences) sequences"
        }
    }

    /// The request to the peer's process.
    var command: String {
        switch self {
        case .prefill(let count): "prefill \(count)"
        case .decode(let prompt, let count): "decode \(prompt) \(count)"
        case .batch(let sequences, let prompt, let count): "batch \(sequences) \(prompt) \(count)"
        }
    }
}

func seconds(since start: ContinuousClock.Instant) -> Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
}
