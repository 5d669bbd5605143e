import Foundation

/// What became of a file that `FaultProbe` opened in a process of its own.
struct ProbedFile: Sendable {
    enum Outcome: Sendable, Equatable {
        case accepted
        /// Opening threw.
        case refused
        /// It could be opened; using it threw.
        case failed
        /// The process ended: by which signal, or with which status.
        case died(String)
    }

    var kind: String
    var path: String
    var outcome: Outcome
    /// The error's code, or "".
    var code = ""
    /// The error's message, or "".
    var message = ""
    /// Processor time.
    var milliseconds = 0
    /// By how much the resident memory grew at its peak, pages of the file included.
    var bytes = 0

    /// By how much sanitised code may take longer; memory is then not limited, since the sanitiser's own counts too.
    static let patience = ProcessInfo.processInfo.environment["COLLAB_FAULT_PATIENCE"].flatMap { Int($0) }

    /// Opens files in a child; where one ends it, another goes on behind that file.
    static func probe(_ files: [(kind: String, path: String)]) throws -> [ProbedFile] {
        let list = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try Data(files.map { "\($0.kind)\t\($0.path)\n" }.joined().utf8).write(to: list)
        defer { try? FileManager.default.removeItem(at: list) }
        var results: [ProbedFile] = []
        while results.count < files.count {
            let (lines, ending) = try Self.run(list: list.path, from: results.count)
            for line in lines {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
                guard fields.count >= 7, fields[0] == "end", Int(fields[1]) == results.count else { continue }
                let file = files[results.count]
                let outcomes: [String: Outcome] = ["accept": .accepted, "reject": .refused, "fail": .failed]
                results.append(
                    ProbedFile(
                        kind: file.kind,
                        path: file.path,
                        outcome: outcomes[fields[2]] ?? .died("said “\(fields[2])”"),
                        code: fields[3],
                        message: fields[6...].joined(separator: "\t"),
                        milliseconds: Int(fields[4]) ?? .max,
                        bytes: Int(fields[5]) ?? .max
                    )
                )
            }
            if results.count < files.count {
                let file = files[results.count]
                results.append(ProbedFile(kind: file.kind, path: file.path, outcome: .died(ending)))
            }
        }
        return results
    }

    private static func run(list: String, from first: Int) throws -> (lines: [String], ending: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = products.appendingPathComponent("FaultProbe")
        process.arguments = ["files", list, "\(first)"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) {
            $1
        }
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let how = process.terminationReason == .uncaughtSignal ? "signal" : "status"
        return (text.split(separator: "\n").map { String($0) }, "\(how) \(process.terminationStatus)")
    }

    /// The folder that the package's products were built into.
    static var products: URL {
        #if os(macOS)
            let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
            return bundle?.bundleURL.deletingLastPathComponent() ?? Bundle.main.bundleURL
        #else
            return Bundle.main.bundleURL
        #endif
    }
}
