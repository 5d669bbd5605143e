import ArgumentParser
import Foundation

/// llama.cpp in a process of its own, which measures one figure at a time.
final class PeerProcess {
    /// What the build says about itself.
    private(set) var build = ""
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffer = Data()

    /// Where a script of the peer is.
    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Peers/\(name)").path
    }

    init(
        python: String,
        script: String = "llama_cpp_rates.py",
        model: String,
        threads: Int,
        more: [String] = []
    ) throws {
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-B", Self.script(script), model, String(threads)] + more
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        build = try readLine()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Tokens per second of a figure.
    func rate(_ figure: EngineFigure, round: Int) throws -> Double {
        try rate(of: figure.command(round: round))
    }

    /// The rate that the peer measures when it gets this line.
    func rate(of command: String) throws -> Double {
        try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        let line = try readLine()
        guard let rate = Double(line) else { throw ValidationError("The peer answered “\(line)”.") }
        return rate
    }

    private func readLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer = Data(buffer[buffer.index(after: end)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty {
                throw ValidationError(
                    "The peer's process ended; does its python have what \(process.arguments?[1] ?? "") needs?"
                )
            }
            buffer += more
        }
    }
}
