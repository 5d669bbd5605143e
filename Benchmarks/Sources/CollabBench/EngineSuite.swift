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
        abstract: "Measure reading, writing, batches, loading and memory of the native engine."
    )

    @Option(help: "A GGUF file; without one, the two models of the set-up.")
    var model: [String] = []

    @Option(help: "How many threads compute.")
    var threads = 2

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Option(help: "A python with llama-cpp-python built for this machine, to measure beside.")
    var peerPython: String?

    @Option(
        help:
            "A python with xllamacpp (Scripts/real-server --install makes one), to measure debates beside its server."
    )
    var serverPython: String?

    @Option(
        help:
            "llama.cpp's llama-server, built for this machine, to be that server; --server-python may then be any python3."
    )
    var serverProgram: String?

    @Option(help: "Only the rows whose names contain this.")
    var only: String?

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
        for line in try MachineLimits.measurements(threads: Array(Set([1, threads])).sorted()) {
            report.add(line, json: json)
        }
        let paths = try models()
        for path in paths { try await measure(path, into: &report) }
        if isWanted("two models at once") { try await measureTogether(paths, into: &report) }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func isWanted(_ name: String) -> Bool { only.map { name.contains($0) } ?? true }

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

    // MARK: One model

    private func measure(_ path: String, into report: inout Report) async throws {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let rows = EngineRow.all(model: name, threads: threads).filter { isWanted($0.figure.name) }
        let weights = try weightBytes(path)
        // Teams of one size after the other, so that no more than one model and one peer are in memory.
        for threads in Set(rows.map(\.threads)).sorted() {
            let rows = rows.filter { $0.threads == threads }
            let stays = rows.contains { $0.figure != .load && $0.figure != .memory }
            let runner = stays ? try await EngineRunner(path: path, threads: threads) : nil
            let peer =
                stays
                ? try peerPython.map { try PeerProcess(python: $0, model: path, threads: threads) } : nil
            if let peer { report.machine["peer"] = "llama.cpp: \(peer.build)" }
            for row in rows {
                try await compare(row, name: name, weights: weights, into: &report) { figure, round in
                    guard let runner, figure != .load, figure != .memory else {
                        return try FreshProcess.ours(figure, model: path, threads: threads)
                    }
                    return try await runner.rate(figure, round: round)
                } theirs: { figure, round in
                    guard let peer, figure != .load, figure != .memory else {
                        return try peerPython.map {
                            try FreshProcess.theirs(figure, python: $0, model: path, threads: threads)
                        }
                    }
                    return try peer.rate(figure, round: round)
                }
            }
            if let runner { try await compareWithServer(rows, path: path, name: name, runner, into: &report) }
        }
        let variants = EngineVariants(path: path, threads: threads, rounds: rounds)
        if isWanted("adapter of rank") {
            for line in try await variants.adapters(name: name) { report.add(line, json: json) }
        }
        if isWanted("int8 keys and values") {
            for line in try await variants.keyValueFormats(name: name) { report.add(line, json: json) }
        }
    }

    /// Debates beside the slots of llama.cpp's own server.
    private func compareWithServer(
        _ rows: [EngineRow],
        path: String,
        name: String,
        _ runner: EngineRunner,
        into report: inout Report
    ) async throws {
        guard let serverPython = serverPython ?? serverProgram.map({ _ in "/usr/bin/python3" }) else {
            return
        }
        for row in rows {
            guard case .debate = row.figure else { continue }
            let server = try PeerProcess(
                python: serverPython,
                script: "llama_server_rates.py",
                model: path,
                threads: row.threads,
                more: serverProgram.map { [$0] } ?? []
            )
            report.machine["peer's server"] = server.build
            try await compare(row, name: name + " beside the server:", into: &report) { figure, round in
                try await runner.rate(figure, round: round, apart: true)
            } theirs: { figure, round in
                try server.rate(figure, round: round)
            }
        }
    }

    /// The bytes of a file's weights, all of which a token reads where the vocabulary's matrix is used at both ends.
    private func weightBytes(_ path: String) throws -> Int? {
        guard path.hasSuffix(".gguf") else { return nil }
        return try GGUFCheckpoint(path: path).tensors.reduce(0) { bytes, tensor in
            bytes + tensor.elementCount / tensor.format.blockElements * tensor.format.blockBytes
        }
    }

    /// Ours and theirs in turns; the first round warms both up. Where all weights are read for every token, memory is
    /// read plainly in each round, too: what share of that rate the weights reach tells how much is left to gain.
    private func compare(
        _ row: EngineRow,
        name: String,
        weights: Int? = nil,
        into report: inout Report,
        ours: (EngineFigure, Int) async throws -> Double,
        theirs: (EngineFigure, Int) throws -> Double?
    ) async throws {
        var values: [Double] = []
        var others: [Double] = []
        var ratios: [Double] = []
        var memory: [Double] = []
        var shares: [Double] = []
        for round in 0...rounds {
            let value = try await ours(row.figure, round)
            let other = try theirs(row.figure, round)
            guard round > 0 else { continue }
            values.append(value)
            if let weights, case .decode = row.figure {
                memory.append(try MachineLimits.readRate(threads: row.threads))
                shares.append(value * Double(weights) / 1e9 / memory[memory.count - 1])
            }
            guard let other else { continue }
            others.append(other)
            ratios.append(row.figure.ratio(ours: value, theirs: other))
        }
        var figures = [row.figure.unit: median(values)]
        if !memory.isEmpty {
            figures["GB/s memory"] = median(memory)
            figures["of it read as weights"] = median(shares)
        }
        if !ratios.isEmpty {
            figures["\(row.figure.unit) llama.cpp"] = median(others)
            figures["× llama.cpp"] = median(ratios)
            figures["× least"] = ratios.min()
            figures["× most"] = ratios.max()
            figures["bar"] = row.bar
            figures["aim"] = row.aim
        }
        report.add(
            Measurement(
                name: "\(name) \(row.figure.name)",
                conditions: ["threads": String(row.threads)],
                figures: figures
            ),
            json: json
        )
    }

    // MARK: Several models

    private func measureTogether(_ paths: [String], into report: inout Report) async throws {
        guard let first = paths.first, let last = paths.last else { return }
        let one = try await EngineRunner(path: first, threads: threads)
        let other = try await EngineRunner(path: last, threads: threads)
        report.add(
            Measurement(
                name: "two models at once",
                conditions: ["threads": String(threads)],
                figures: try await SharedCores.together(one, other)
            ),
            json: json
        )
        report.add(
            Measurement(
                name: "two models idle",
                conditions: ["threads": String(threads)],
                figures: ["processors": try await SharedCores.idleShare()]
            ),
            json: json
        )
    }
}
