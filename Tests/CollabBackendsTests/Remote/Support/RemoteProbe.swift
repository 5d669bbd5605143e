import Foundation
import Testing

/// Calls of remote models that `FaultProbe` made in a process of its own.
struct RemoteProbe {
    /// A call to make.
    struct Call {
        var base: String
        var dialect = "chat"
        var alternatives = 0
        var maximumTokens = 0
        var isMeasured = false
    }

    /// What became of a call.
    struct Outcome {
        var isAnswer: Bool
        /// How the answer ended, or the error's code.
        var code: String
        var milliseconds: Int
        /// By how much the memory grew at its peak, if it was measured.
        var bytes: Int
        /// The answer, or all that the error prints.
        var text: String
    }

    /// By number of call; `nil` for one that the process did not come to.
    var outcomes: [Outcome?]
    /// How many files and sockets were open before the calls and after them.
    var descriptors: (before: Int, after: Int)?
    /// The memory after one pass over the calls and after a second.
    var resident: (first: Int, second: Int)?
    /// What was printed on standard error.
    var warnings: String

    /// Makes the calls; the first one apart from the others.
    ///
    /// Nothing is known here of the process's end but that its output has ended: Foundation waits for a process with
    /// `select`, which knows no descriptor above 1,023.
    static func run(
        _ calls: [Call],
        key: String? = nil,
        environment: [String: String] = [:],
        trustingAll: Bool = false
    ) async throws -> RemoteProbe {
        // Not on a thread of the pool, which tests that watch the clock need.
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try RemoteProbe(calls, key, environment, trustingAll: trustingAll) }
                )
            }
        }
    }

    private init(_ calls: [Call], _ key: String?, _ environment: [String: String], trustingAll: Bool) throws {
        let folder = FileManager.default.temporaryDirectory
        let list = folder.appendingPathComponent("collab-calls-\(UUID().uuidString)")
        let lines = calls.map {
            "\($0.base)\t\($0.dialect)\t\($0.alternatives)\t\($0.maximumTokens)\t\($0.isMeasured ? 1 : 0)\n"
        }
        try Data(lines.joined().utf8).write(to: list)
        let errors = folder.appendingPathComponent("collab-errors-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer {
            try? FileManager.default.removeItem(at: list)
            try? FileManager.default.removeItem(at: errors)
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = ProbedFile.products.appendingPathComponent("FaultProbe")
        process.arguments = ["remote", list.path] + (trustingAll ? ["TRUST"] : [])
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        let proxies = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
        let authorities = ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
        let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
            !proxies.contains(name.lowercased()) && !authorities.contains(name)
        }
        process.environment = inherited.merging(environment) { $1 }
        process.environment?["COLLAB_PROBE_KEY"] = key
        // Otherwise the C library comes to keep blocks as large as the largest it has seen, and what is resident says
        // nothing of what the program holds.
        process.environment?["MALLOC_MMAP_THRESHOLD_"] = "131072"
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        warnings = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
        outcomes = Array(repeating: nil, count: calls.count)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
            let numbers = fields.map { Int($0) ?? 0 }
            if fields.first == "end", fields.count >= 7, outcomes.indices.contains(numbers[1]) {
                outcomes[numbers[1]] = Outcome(
                    isAnswer: fields[2] == "answer",
                    code: fields[3],
                    milliseconds: numbers[4],
                    bytes: numbers[5],
                    text: fields[6...].joined(separator: " ")
                )
            } else if fields.first == "left", fields.count == 5 {
                descriptors = (numbers[1], numbers[2])
                resident = (numbers[3], numbers[4])
            }
        }
    }
}
