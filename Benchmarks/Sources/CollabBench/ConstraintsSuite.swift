import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// What a constraint costs a token: masks over real vocabularies, met for the first time and known.
struct ConstraintsSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "constraints",
        abstract: "Measure masks of constraints over the vocabularies of the set-up's models."
    )

    @Option(help: "Rounds of each measurement.")
    var rounds = 5

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1.") }
    }

    func run() async throws {
        var report = Report(suite: "constraints")
        report.printHeader(json: json)
        for name in ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"] {
            let path = SampleTexts.models.appendingPathComponent(name).path
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let silent = SilentModel(tokenizer: try GGUFFile(path: path).metadata.makeTokenizer())
            let start = ContinuousClock.now
            _ = silent.constrained(to: try .choices(["x"]))
            let sorting = Measurement(
                name: "\(name), sorting the vocabulary once",
                figures: ["ms": seconds(since: start) * 1e3]
            )
            report.add(sorting, json: json)
            for sample in try Self.samples() { try await measure(sample, silent, name, into: &report) }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    /// A constraint and a text that it allows.
    private struct Sample {
        var name: String
        var text: String
        var make: () throws -> Constraint
    }

    private static func samples() throws -> [Sample] {
        let person = JSONSchema.object {
            JSONSchema.Property("name", .text(length: 1...40))
            JSONSchema.Property("age", JSONSchema.integer(0...130))
            JSONSchema.Property("tags", .array(of: .text))
        }
        let prose = "The quick brown fox jumps over the lazy dog and runs away into the wood"
        return [
            Sample(name: "a choice of 3", text: "negative") {
                try .choices(["positive", "negative", "neutral"])
            },
            Sample(name: "a date", text: "2024-02-29") { try .regularExpression(#"\d{4}-\d\d-\d\d"#) },
            Sample(name: "up to 200 characters", text: prose) { try .regularExpression("[^\n]{1,200}") },
            Sample(
                name: "JSON of a schema",
                text: #"{"name": "Anna Berg", "age": 41, "tags": ["new", "old"]}"#
            ) {
                try .json(person)
            },
            Sample(name: "any JSON", text: #"{"title": "\#(prose)", "pages": [12, 3.5e2, {"a": null}]}"#) {
                try .json()
            },
        ]
    }

    private func measure(
        _ sample: Sample,
        _ silent: SilentModel,
        _ name: String,
        into report: inout Report
    ) async throws {
        let tokens = try silent.tokenizer.encode(sample.text, parsingSpecialTokens: false)
        var (compiling, cold, warm, plain): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for _ in 0..<rounds {
            let start = ContinuousClock.now
            let constraint = try sample.make()
            compiling.append(seconds(since: start) * 1e3)
            let constrained = silent.constrained(to: constraint)
            cold += try await steps(constrained, tokens)
            warm += try await steps(constrained, tokens)
            plain += try await steps(silent, tokens)
        }
        let measurement = Measurement(
            name: "\(name), \(sample.name)",
            conditions: ["tokens": String(tokens.count)],
            figures: [
                "ms to compile": median(compiling),
                "ms a mask, first met": cold.reduce(0, +) / Double(cold.count),
                "ms a mask, first met, the slowest": cold.max() ?? 0,
                "ms a mask, known": median(warm),
                "ms a row without": median(plain),
            ]
        )
        report.add(measurement, json: json)
    }

    /// Milliseconds of each row along some tokens.
    private func steps(_ model: some LogitModel, _ tokens: [TokenID]) async throws -> [Double] {
        var times: [Double] = []
        var start = ContinuousClock.now
        let decoder = try await model.startDecoding(reading: [tokens[0]]).decoder
        times.append(seconds(since: start) * 1e3)
        for token in tokens {
            start = ContinuousClock.now
            _ = try await decoder.append(token)
            times.append(seconds(since: start) * 1e3)
        }
        return times
    }
}

/// A model that computes nothing, so that only what is around it takes time.
private struct SilentModel: LogitModel {
    let tokenizer: any Tokenizer
    var name: String { "silent" }
    var contextLength: Int { 4096 }
    private let row: Logits

    init(tokenizer: any Tokenizer) {
        self.tokenizer = tokenizer
        row = Logits([Float](repeating: 0, count: tokenizer.count))
    }

    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { [] }
    func makeDecoder() async throws(CollabError) -> any Collab.Decoder { Reader(row) }

    private final class Reader: Collab.Decoder {
        let row: Logits
        let position = 0
        init(_ row: Logits) { self.row = row }
        func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
            [row]
        }
        func truncate(to count: Int) async throws(CollabError) {}
        func fork() async throws(CollabError) -> any Collab.Decoder { self }
    }
}
