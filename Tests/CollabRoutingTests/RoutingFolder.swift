import Foundation

/// Where recorded answers of real models are, if they are there.
enum RoutingFolder {
    static let path: String? = {
        let beside = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../shared/data"
        )
        let folder =
            (ProcessInfo.processInfo.environment["COLLAB_DATA"] ?? beside.standardized.path) + "/api"
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", (path ?? "") + "/\(name).jsonl.gz"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Row.self, from: $0) }
    }
}
