import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Models that write together, beside one that writes alone and beside PyTorch.
///
/// Everything that a ratio compares takes turns; what counts is the median of the rounds' ratios.
struct FusionSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fusion",
        abstract:
            "Measure fused writing: members, roles, guesses, the arithmetic, and a PyTorch loop beside it."
    )

    @Option(help: "A GGUF file of a small vocabulary; SmolLM2 of the set-up if none.")
    var model: String?

    @Option(help: "A GGUF file of a large vocabulary; Gemma 3 of the set-up if none.")
    var wideModel: String?

    @Option(help: "How many threads compute.")
    var threads = 2

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Option(help: "A python with torch, transformers and gguf, to measure beside.")
    var peerPython: String?

    @Option(help: "Only the rows whose names contain this.")
    var only: String?

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1.") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be 1 to 256.") }
    }

    private var path: String {
        model ?? SampleTexts.models.appendingPathComponent("SmolLM2-135M-Instruct.Q4_1.gguf").path
    }
    private var widePath: String {
        wideModel ?? SampleTexts.models.appendingPathComponent("gemma-3-270m-q4_k_m.gguf").path
    }

    func run() async throws {
        var report = Report(suite: "fusion")
        report.machine["threads"] = String(threads)
        report.printHeader(json: json)
        let runner = FusionRunner()
        if isWanted("equal members") { try await measureMembers(runner, into: &report) }
        if isWanted("roles") { try await measureRoles(runner, into: &report) }
        if isWanted("guesses") {
            for line in try await FusionGuesses(runner: runner, rounds: rounds).measurements(
                try await load(),
                try await load()
            ) {
                report.add(line, json: json)
            }
        }
        if isWanted("arithmetic") {
            for path in [path, widePath] { try await measureArithmetic(path, runner, into: &report) }
        }
        if isWanted("PyTorch"), let peerPython {
            try await measureBesidePeer(peerPython, runner, into: &report)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func isWanted(_ name: String) -> Bool { only.map { name.contains($0) } ?? true }

    private func load(_ path: String? = nil) async throws -> NativeModel {
        try await NativeModel(contentsOf: path ?? self.path, options: NativeOptions(threads: threads))
    }

    /// The roles that the rows compare: what one is told the other is not.
    static func roles(of model: NativeModel, _ count: Int) -> [any LogitModel] {
        let instructions = [
            "You are a poet. Write in long, calm sentences.", "You are a sailor. Write short sentences.",
            "You are a child. Write simple words.",
        ]
        return (0..<count).map { model.role("role \($0)", instructions: instructions[$0 % 3]) }
    }

    // MARK: Rows

    /// k models with weights of their own, against one of them.
    private func measureMembers(_ runner: FusionRunner, into report: inout Report) async throws {
        let models = [try await load(), try await load(), try await load()]
        for count in [2, 3] {
            let fused = FusedModel(nil, .productOfExperts, members: Array(models.prefix(count)))
            let turns = try await Turns(
                rounds: rounds,
                [{ try await runner.rate(models[0]) }, { try await runner.rate(fused) }]
            )
            let ratio = turns.ratio(1, to: 0)
            report.add(
                Measurement(
                    name: "\(count) equal members",
                    conditions: ["threads": String(threads)],
                    figures: [
                        "tokens/s of one": turns.value(0), "tokens/s": turns.value(1), "ratio": ratio,
                        "ratio × members": ratio * Double(count), "bar": 0.95,
                    ]
                ),
                json: json
            )
        }
    }

    /// Roles of one model, decoded as one batch.
    private func measureRoles(_ runner: FusionRunner, into report: inout Report) async throws {
        let model = try await load()
        let roles = Self.roles(of: model, 2)
        for fusion in [Fusion.contextAware(), .guidance(), .productOfExperts] {
            let fused = FusedModel(nil, fusion, members: roles)
            let turns = try await Turns(
                rounds: rounds,
                [
                    { try await runner.rate(model.role("one", instructions: "You are a poet.")) },
                    {
                        try await runner.rate(fused)
                    },
                ]
            )
            report.add(
                Measurement(
                    name: "2 roles of one model, \(fusion.name)",
                    conditions: ["threads": String(threads)],
                    figures: [
                        "tokens/s of one": turns.value(0), "tokens/s": turns.value(1),
                        "ratio": turns.ratio(1, to: 0), "bar": 0.75,
                    ]
                ),
                json: json
            )
        }
    }

    /// The arithmetic and the choice of a token alone, against a step of the fused models.
    private func measureArithmetic(
        _ path: String,
        _ runner: FusionRunner,
        into report: inout Report
    ) async throws {
        let model = try await load(path)
        let rows = (0..<3).map { RowModel(id: $0, vocabulary: model.tokenizer, rows: 8) }
        let members = [model, try await load(path), try await load(path)]
        for sampling in [Sampling.greedy, .temperature(0.8, topP: 0.9)] {
            let alone = FusedModel(nil, .dexperts(), members: rows)
            let fused = FusedModel(nil, .dexperts(), members: members)
            let turns = try await Turns(
                rounds: rounds,
                [
                    { 1e6 / (try await runner.rate(alone, sampling)) },
                    { 1e6 / (try await runner.rate(fused, sampling)) },
                ]
            )
            report.add(
                Measurement(
                    name: "arithmetic of 3 members and \(model.tokenizer.count) tokens",
                    conditions: ["temperature": String(sampling.temperature)],
                    figures: [
                        "µs": turns.value(0), "µs of a step": turns.value(1), "share": turns.ratio(0, to: 1),
                        "bar": 0.05,
                    ]
                ),
                json: json
            )
        }
    }

    /// The same prompts, rule and tokens in a loop of transformers.
    private func measureBesidePeer(
        _ python: String,
        _ runner: FusionRunner,
        into report: inout Report
    ) async throws {
        let peer = try PeerProcess(
            python: python,
            script: "transformers_fusion_rates.py",
            model: path,
            threads: threads
        )
        report.machine["peer"] = peer.build
        let models = [try await load(), try await load()]
        let roles = Self.roles(of: models[0], 2)
        let apart = [roles[0], Self.roles(of: models[1], 2)[1]]
        let prompts = try roles.map { role in
            try role.promptTokens(for: runner.request).map(String.init).joined(separator: ",")
        }.joined(separator: " ")
        for (name, members, command) in [
            ("2 roles beside PyTorch", roles, "fuse"), ("2 models beside PyTorch", apart, "apart"),
        ] {
            let fused = FusedModel(nil, .productOfExperts, members: members)
            let turns = try await Turns(
                rounds: rounds,
                [
                    { try await runner.rate(fused) },
                    {
                        try peer.rate(of: "\(command) \(runner.count) \(prompts)")
                    },
                ]
            )
            report.add(
                Measurement(
                    name: name,
                    conditions: ["threads": String(threads)],
                    figures: [
                        "tokens/s": turns.value(0), "tokens/s of PyTorch": turns.value(1),
                        "ratio": turns.ratio(0, to: 1), "bar": 10,
                    ]
                ),
                json: json
            )
        }
    }
}
