import ArgumentParser
import CollabBackends
import Foundation

/// What can only be measured in a process that has done nothing else: loading, and the most memory that is taken.
enum FreshProcess {
    /// Runs the benchmark itself in a new process; the figure in its unit.
    static func ours(_ figure: EngineFigure, model: String, threads: Int) throws -> Double {
        let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
        return try run(program, ["engine-once", figure.command(round: 0), model, String(threads)])
    }

    /// The same with llama.cpp.
    static func theirs(_ figure: EngineFigure, python: String, model: String, threads: Int) throws -> Double {
        let script = PeerProcess.script("llama_cpp_once.py")
        return try run(python, ["-B", script, figure.command(round: 0), model, String(threads)])
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> Double {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let value = Double(text) else {
            throw ValidationError("\(program) \(arguments.joined(separator: " ")) answered “\(text)”.")
        }
        return value
    }

    /// The most memory that the process has had so far, in megabytes; NaN where the system does not tell.
    static func peakMegabytes() -> Double {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
            return .nan
        }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kilobytes = line.flatMap { Double($0.filter(\.isNumber)) }
        return (kilobytes ?? .nan) * 1024 / 1e6
    }
}

/// One measurement in a process of its own; ``EngineSuite`` starts it.
struct EngineOnce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine-once",
        abstract: "Measure loading or memory once, in this process.",
        shouldDisplay: false
    )

    @Argument(help: "load or memory.")
    var figure: String

    @Argument(help: "A GGUF file.")
    var model: String

    @Argument(help: "How many threads compute.")
    var threads: Int

    func run() async throws {
        let before = FreshProcess.peakMegabytes()
        let start = ContinuousClock.now
        let runner = try await EngineRunner(path: model, threads: threads)
        if figure == "load" {
            print(seconds(since: start) * 1e3)
            return
        }
        _ = try await runner.rate(.prefill(512), round: 0)
        _ = try await runner.rate(.decode(prompt: 64, count: 64), round: 0)
        print(FreshProcess.peakMegabytes() - before)
    }
}
