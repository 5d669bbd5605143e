import CollabBackends
import CollabRouting
import Foundation

/// Where recorded answers of real models are, if they are there.
enum RoutingFolder {
    static let path: String? = {
        guard let data = ProcessInfo.processInfo.environment["COLLAB_DATA"] else { return nil }
        let folder = data + "/api"
        return FileManager.default.fileExists(atPath: folder + "/golden_metrics.json") ? folder : nil
    }()

    struct Row: Decodable {
        var prompt: String
        var weak: Double
        var strong: Double
        var contaminated: Int
    }

    /// The rows of a file of JSON Lines under gzip.
    static func rows(_ name: String) throws -> [Row] {
        let decoder = JSONDecoder()
        return try lines(name).map { try decoder.decode(Row.self, from: $0) }
    }

    /// The lines of a file of JSON Lines under gzip.
    static func lines(_ name: String) throws -> [Data] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", (path ?? "") + "/\(name).jsonl.gz"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return data.split(separator: UInt8(ascii: "\n"))
    }

    /// Recorded embeddings: a magic word, rows, columns, a scale a row, and signed bytes; scaled to unit length here, in
    /// which the scales fall out.
    static func vectors(_ name: String) throws -> Table {
        let url = URL(fileURLWithPath: (path ?? "") + "/embeddings/\(name).minilm.q8")
        let bytes = [UInt8](try Data(contentsOf: url))
        func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
        let (rows, columns) = (word(4), word(8))
        var values: [Float] = []
        values.reserveCapacity(rows * columns)
        for row in 0..<rows {
            let start = 12 + 4 * rows + row * columns
            let vector = bytes[start..<start + columns].map { Float(Int8(bitPattern: $0)) }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for value in vector { values.append(value / length) }
        }
        return Table(columns: columns, values: values)
    }
}

/// Questions of RouteLLM's evaluation with what Mixtral-8x7B and GPT-4 got right, without those that its training set
/// contains.
struct RecordedPair {
    let weak: [Double]
    let strong: [Double]
    let lengths: [Double]
    let vectors: Table

    init(_ name: String) throws {
        let all = try RoutingFolder.rows("routellm_\(name)")
        let kept = all.indices.filter { all[$0].contaminated == 0 }
        weak = kept.map { all[$0].weak }
        strong = kept.map { all[$0].strong }
        lengths = kept.map { Double(all[$0].prompt.utf8.count) }
        vectors = try RoutingFolder.vectors("routellm_\(name)").selecting(kept)
    }

    func trainingSet(_ places: [Int]? = nil) throws -> TrainingSet {
        let scores = Table(zip(weak, strong).map { [Float($0), Float($1)] })
        return try TrainingSet(
            features: .dense(places.map(vectors.selecting) ?? vectors),
            models: ["weak", "strong"],
            scores: places.map(scores.selecting) ?? scores
        )
    }

    func gapRecovered(_ scores: [Double], on places: [Int]? = nil) -> Double {
        let places = places ?? Array(weak.indices)
        return StrongShareCurve(
            scores: scores,
            weak: places.map { weak[$0] },
            strong: places.map { strong[$0] }
        ).averageGapRecovered(.tenths)
    }
}
