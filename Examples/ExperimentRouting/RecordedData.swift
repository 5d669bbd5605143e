import CollabBackends
import CollabRouting
import Foundation

/// The recorded answers of real models that the experiment learns from.
struct RecordedData {
    /// The folder with the files.
    let folder: String

    /// Questions with what two models got right.
    struct Pair {
        var questions: [String] = []
        var subjects: [String] = []
        var weak: [Double] = []
        var strong: [Double] = []
        var vectors = Table(rows: 0, columns: 0)

        var scores: Table { Table(zip(weak, strong).map { [Float($0), Float($1)] }) }
    }

    /// One of RouteLLM's evaluation sets, without the questions that its training set contains.
    func pair(_ name: String) throws -> Pair {
        var pair = Pair()
        var kept: [Int] = []
        for (place, row) in try rows("routellm_\(name)").enumerated() where row["contaminated"]?.intValue == 0
        {
            pair.questions.append(row["prompt"]?.stringValue ?? "")
            pair.subjects.append(row["subject"]?.stringValue ?? "")
            pair.weak.append(row["weak"]?.doubleValue ?? .nan)
            pair.strong.append(row["strong"]?.doubleValue ?? .nan)
            kept.append(place)
        }
        pair.vectors = try vectors("routellm_\(name)").selecting(kept)
        return pair
    }

    /// Questions with the scores of nine models.
    func nine() throws -> (models: [String], prices: [Double], scores: Table, vectors: Table) {
        let described = try JSONValue(parsing: try MappedFile(path: folder + "/llmrouter_models.json"))
        let models = described["models"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let prices = models.map { described["info"]?[$0]?["output_price"]?.doubleValue ?? .nan }
        let scores = try rows("llmrouter_9models_train").map { row in
            (row["scores"]?.arrayValue ?? []).map { Float($0.doubleValue ?? .nan) }
        }
        return (models, prices, Table(scores), try vectors("llmrouter_9models_train"))
    }

    /// Problems with the answers of three systems and whether they are right.
    func agreement() throws -> [(first: Double?, second: Double?, secondRight: Bool, strongRight: Bool)] {
        try rows("gsm8k_test_multimodel").filter { $0["contaminated"]?.intValue == 0 }.map { row in
            let runs = row["single"]
            return (
                runs?["gpt3_175b_verification"]?[0]?.doubleValue, runs?["mixtral_8x7b"]?[0]?.doubleValue,
                runs?["gpt3_175b_verification"]?[1]?.intValue == 1, runs?["gpt4_1106"]?[1]?.intValue == 1
            )
        }
    }

    /// The lines of a file of JSON Lines under gzip.
    func rows(_ name: String) throws -> [JSONValue] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", folder + "/\(name).jsonl.gz"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try data.split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: Array($0)) }
    }

    /// Recorded embeddings: a magic word, rows, columns, a scale a row, bytes a row.
    func vectors(_ name: String) throws -> Table {
        let bytes = [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: folder + "/embeddings/\(name).minilm.q8"))
        )
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        let (rows, columns) = (Int(word(4)), Int(word(8)))
        guard bytes.prefix(4) == [67, 81, 56, 0], bytes.count == 12 + rows * (4 + columns) else {
            throw CocoaError(.fileReadCorruptFile)
        }
        var table = Table(rows: rows, columns: columns)
        for row in 0..<rows {
            let start = 12 + 4 * rows + row * columns
            var square: Float = 0
            for column in 0..<columns {
                let value = Float(Int8(bitPattern: bytes[start + column]))
                table.values[row * columns + column] = value
                square += value * value
            }
            // The scale falls out of unit length.
            for place in row * columns..<(row + 1) * columns { table.values[place] /= square.squareRoot() }
        }
        return table
    }
}
