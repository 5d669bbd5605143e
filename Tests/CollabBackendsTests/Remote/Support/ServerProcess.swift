import Foundation

/// A server that a test starts on loopback; it ends with the test process, since its standard input does then.
final class ServerProcess: Sendable {
    /// What went wrong when starting.
    struct StartError: Error, CustomStringConvertible {
        var description: String
    }

    /// The line of JSON with which the server says that it is ready.
    let facts: [String: String]
    private let process: Process
    // Held open as long as the server is wanted.
    private let guardPipe: Pipe

    /// Starts a program and waits for its line.
    init(_ arguments: [String], seconds: Double = 60) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        guardPipe = Pipe()
        let output = Pipe()
        process.standardInput = guardPipe
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = Self.firstLine(of: output.fileHandleForReading, seconds: seconds)
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            process.terminate()
            let command = arguments.joined(separator: " ")
            throw StartError(description: "“\(command)” did not become ready; it said “\(line)”.")
        }
        facts = object.mapValues { "\($0)" }
    }

    private static func firstLine(of handle: FileHandle, seconds: Double) -> String {
        let deadline = Date().addingTimeInterval(seconds)
        var bytes: [UInt8] = []
        var descriptor = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
        while Date() < deadline {
            guard poll(&descriptor, 1, 200) > 0 else { continue }
            var byte: UInt8 = 0
            guard read(handle.fileDescriptor, &byte, 1) == 1, byte != 0x0a else { break }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Stops the server the hard way, as a crash would.
    func kill() {
        #if canImport(Glibc)
            Glibc.kill(process.processIdentifier, SIGKILL)
        #else
            Darwin.kill(process.processIdentifier, SIGKILL)
        #endif
        // Not `waitUntilExit`: it watches a socket with select, which knows no descriptor above 1,023, and a process
        // that runs hundreds of tests has those.
        var status = siginfo_t()
        let pid = id_t(process.processIdentifier)
        let deadline = Date().addingTimeInterval(20)
        while waitid(P_PID, pid, &status, WEXITED | WNOHANG | WNOWAIT) == 0, !Self.hasExited(status),
            Date() < deadline
        {
            usleep(5000)
        }
    }

    /// `waitid` leaves everything at 0 as long as there is nothing to tell.
    private static func hasExited(_ status: siginfo_t) -> Bool { status.si_signo != 0 }
}

/// The folder with the servers of the tests.
let serverFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/servers").path
