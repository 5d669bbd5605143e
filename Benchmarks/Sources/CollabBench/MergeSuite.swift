import ArgumentParser
import Collab
import CollabBackends
import CollabMerging
import Foundation

/// Merges of synthetic checkpoints, beside mergekit on the same files and configurations.
struct MergeSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Measure merges, beside mergekit and beside plain reading and writing.",
        discussion: """
            Makes a base and three fine-tunes in bfloat16 in --folder unless they are there. Ours runs in this \
            process; mergekit starts anew for each merge, as its command does. Ours runs twice a round: until the \
            result is flushed to the disk, as a merge does unless it is told otherwise, and until it is written as \
            mergekit's is, which leaves the flushing to the system. The ratio is that of the second.
            """
    )

    @Option(
        help: "Where the models are made and the results written; removed afterwards unless it was there."
    )
    var folder: String?

    @Option(help: "Size of a model: \(SyntheticSize.allCases.map(\.rawValue).joined(separator: ", ")).")
    var size = SyntheticSize.small

    @Option(help: "A Python with mergekit 0.1.5, to measure beside.")
    var peerPython: String?

    @Option(help: "Rounds of each method; medians are reported.")
    var rounds = 3

    @Option(help: "Only methods whose name contains this.")
    var only: String?

    @Flag(help: "The methods that hold whole matrices instead, for their memory; mergekit has none of them.")
    var wholeMatrices = false

    @Option(help: "How many threads compute; one a physical core if left out.")
    var threads: Int?

    func run() async throws {
        let path = folder ?? NSTemporaryDirectory() + "collab-merge-bench"
        let isNew = !FileManager.default.fileExists(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { if isNew { try? FileManager.default.removeItem(atPath: path) } }
        let models = try SyntheticModels(folder: path, size: size)
        let bytes = models.byteCount
        print(
            "models of \(bytes / 1_000_000) MB; plain reading of three and writing of one: ",
            terminator: ""
        )
        var plain: [Bool: Double] = [:]
        for flushes in [true, false] {
            plain[flushes] = try median(
                (0..<rounds).map { _ in
                    sync()
                    return try models.readAndWrite(flushing: flushes)
                }
            )
        }
        print(Self.format(plain[true] ?? 0), "s; without flushing", Self.format(plain[false] ?? 0), "s")
        print("method               flushed   written     CPU s   × plain   memory MB   mergekit s    ratio")
        let methods = wholeMatrices ? BenchedMethod.wholeMatrices : BenchedMethod.all
        for method in methods where only.map({ method.name.contains($0) }) ?? true {
            try await measure(method, models, path, plain[false] ?? 0)
        }
    }

    private func measure(
        _ method: BenchedMethod,
        _ models: SyntheticModels,
        _ path: String,
        _ plain: Double
    ) async throws {
        let configuration = "\(path)/\(method.name).yml"
        let text = method.configuration(path)
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        var (flushed, written, theirs, processor): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        let memory = PeakMemory()
        defer { memory.stop() }
        for _ in 0..<rounds {
            for flushes in [true, false] {
                let folder = path + "/ours"
                try? FileManager.default.removeItem(atPath: folder)
                // What was written before is not to be flushed now.
                sync()
                let (usage, start) = (ProcessUsage.processorSeconds, ContinuousClock.now)
                let file = try MergeFile(path: configuration)
                let options = MergeOptions(threads: threads, flushes: flushes)
                let writer = MergeWriter(
                    file.stages[0].plan,
                    to: folder,
                    configuration: text,
                    options: options
                )
                _ = try await writer.run()
                let time = (ContinuousClock.now - start) / .seconds(1)
                if flushes {
                    flushed.append(time)
                } else {
                    written.append(time)
                    processor.append(ProcessUsage.processorSeconds - usage)
                }
            }
            if let peerPython, !wholeMatrices {
                theirs.append(try mergekit(peerPython, configuration, path + "/theirs"))
            }
        }
        let time = median(written)
        var line = method.name.padding(toLength: 18, withPad: " ", startingAt: 0)
        for (value, width) in [
            (Self.format(median(flushed)), 10), (Self.format(time), 10), (Self.format(median(processor)), 10),
            (Self.format(time / plain), 10),
            ("\(memory.value / 1_000_000)", 12),
            (theirs.isEmpty ? "–" : Self.format(median(theirs)), 13),
            (theirs.isEmpty ? "–" : Self.format(median(theirs) / time), 9),
        ] {
            line += String(repeating: " ", count: max(1, width - value.count)) + value
        }
        print(line)
    }

    /// Seconds of a merge by mergekit, its start included.
    private func mergekit(_ python: String, _ configuration: String, _ output: String) throws -> Double {
        try? FileManager.default.removeItem(atPath: output)
        sync()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments =
            [
                "-m", "mergekit.scripts.run_yaml", configuration, output, "--no-copy-tokenizer",
                "--no-write-model-card",
            ]
            + ["--quiet", "-j", "\(threads ?? 2)"]
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        let start = ContinuousClock.now
        try process.run()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ValidationError(
                "mergekit failed: \(String(decoding: complaint.suffix(2000), as: UTF8.self))"
            )
        }
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func format(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// A method as a configuration.
private struct BenchedMethod {
    var name: String
    var members: [String] = ["a", "b", "c"]
    var own = ""
    var rest = ""

    static let all = [
        BenchedMethod(name: "linear", own: "weight: 0.4"),
        BenchedMethod(name: "slerp", members: ["a", "b"], rest: "base_model: {a}\nparameters: {t: 0.4}\n"),
        BenchedMethod(name: "task_arithmetic", own: "weight: 0.4", rest: "base_model: {base}\n"),
        BenchedMethod(name: "model_stock", rest: "base_model: {base}\n"),
        BenchedMethod(name: "dare_ties", own: "weight: 0.4, density: 0.5", rest: "base_model: {base}\n"),
        BenchedMethod(name: "ties", own: "weight: 0.4, density: 0.5", rest: "base_model: {base}\n"),
    ]

    static let wholeMatrices = ["iso_c", "iso_cts", "tsv_m", "wudi"].map {
        BenchedMethod(name: $0, rest: "base_model: {base}\n")
    }

    func configuration(_ folder: String) -> String {
        var text = "models:\n"
        for member in members { text += "  - {model: \"\(folder)/\(member)\", parameters: {\(own)}}\n" }
        text += "merge_method: \(name)\n" + rest
        return text.replacingOccurrences(of: "{a}", with: "\"\(folder)/a\"")
            .replacingOccurrences(of: "{base}", with: "\"\(folder)/base\"")
    }
}

/// The most memory of this process's own, looked at every few milliseconds: what is held while a tensor is prepared is gone
/// when progress is reported.
private final class PeakMemory: @unchecked Sendable {
    // Sendable: the numbers are touched under the lock only.
    private let lock = NSLock()
    private var largest = 0
    private var isStopped = false

    init() {
        Thread.detachNewThread { [self] in
            while lock.withLock({ !isStopped }) {
                let bytes = ProcessUsage.anonymousBytes
                lock.withLock { largest = max(largest, bytes) }
                Thread.sleep(forTimeInterval: 0.003)
            }
        }
    }

    func stop() { lock.withLock { isStopped = true } }
    var value: Int { lock.withLock { largest } }
}
