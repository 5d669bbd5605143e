import ArgumentParser
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The tests' server that misbehaves on request, in a process of its own on loopback.
///
/// It answers by waiting, not by computing, so many of them fit on one machine.
final class FaultServerProcess {
    /// Where it listens.
    let url: String
    private let process = Process()
    // Held open as long as the server is wanted.
    private let guardPipe = Pipe()

    init() throws {
        let script = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appendingPathComponent("Tests/CollabBackendsTests/Fixtures/servers/fault_server.py")
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-B", script.path, "--port", "0", "--seconds", "1800", "--stdin-guard", "--no-tls",
        ]
        process.standardInput = guardPipe
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw ValidationError("The fault server did not start; is python3 there?") }
            line += more
        }
        let facts = try JSONSerialization.jsonObject(with: line) as? [String: Any]
        guard let url = facts?["url"] as? String else {
            throw ValidationError("The fault server said \(String(decoding: line, as: UTF8.self)).")
        }
        self.url = url
    }

    deinit {
        try? guardPipe.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Stops it as a crash would.
    func kill() {
        #if canImport(Glibc)
            _ = Glibc.kill(process.processIdentifier, SIGKILL)
        #else
            _ = Darwin.kill(process.processIdentifier, SIGKILL)
        #endif
    }

    /// The base address at which a fault happens, counted under a name.
    func base(_ faults: String, id: String) -> String { "\(url)/f/\(faults),id=\(id)/v1" }

    /// What it counted under a name.
    func statistics(_ id: String) throws -> [String: Any] {
        guard let address = URL(string: url + "/__stats") else { return [:] }
        let all = try JSONSerialization.jsonObject(with: Data(contentsOf: address)) as? [String: Any]
        return (all?["ids"] as? [String: Any])?[id] as? [String: Any] ?? [:]
    }

    /// Seconds of processor time that it has used; `nil` where the system does not tell.
    var processorSeconds: Double? {
        guard
            let text = try? String(
                contentsOfFile: "/proc/\(process.processIdentifier)/stat",
                encoding: .utf8
            ),
            let rest = text.split(separator: ")").last?.split(separator: " "), rest.count > 12,
            let user = Double(rest[11]), let system = Double(rest[12])
        else { return nil }
        return (user + system) / 100
    }
}
