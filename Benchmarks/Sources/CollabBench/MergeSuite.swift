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
            mergekit's is, which leaves the flushing to the system. The ratio is that of the second. With \
            --whole-matrices the plan's forecast stands beside the memory that was taken, models of --size matrix-N \
            are merged once a round, without flushing, and the suite fails where more than 300 MB were taken; the \
            same with --alignment, or where a neuron does not find its place.
            """
    )

    @Option(
        help: "Where the models are made and the results written; removed afterwards unless it was there."
    )
    var folder: String?

    @Option(help: "Size of a model: \(SyntheticSize.help).")
    var size = SyntheticSize.small

    @Option(help: "A Python with mergekit 0.1.5, to measure beside.")
    var peerPython: String?

    @Option(help: "Rounds of each method; medians are reported.")
    var rounds = 3

    @Option(help: "Only the method of this name, or those whose name contains it.")
    var only: String?

    @Flag(help: "The methods that hold whole matrices instead, for their memory; mergekit has none of them.")
    var wholeMatrices = false

    @Option(help: "Instead of merging, bring so many feed-forward neurons into the order of another model's.")
    var alignment: Int?

    @Option(help: "How many weights a neuron has in each of the three matrices that are aligned.")
    var alignmentWidth = 1024

    @Option(help: "How many threads compute; one a physical core if left out.")
    var threads: Int?

    func run() async throws {
        let path = folder ?? NSTemporaryDirectory() + "collab-merge-bench"
        let isNew = !FileManager.default.fileExists(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { if isNew { try? FileManager.default.removeItem(atPath: path) } }
        if let alignment {
            return try AlignmentRow(folder: path, neurons: alignment, width: alignmentWidth).measure()
        }
        let models = try SyntheticModels(folder: path, size: size)
        let bytes = models.byteCount
        print(
            "models of \(bytes / 1_000_000) MB; plain reading of \(size.names.count - 1) and writing of one: ",
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
        let last = wholeMatrices ? " forecast MB  scratch MB" : "  mergekit s    ratio"
        print("method               flushed   written     CPU s   × plain   memory MB " + last)
        let methods = wholeMatrices ? BenchedMethod.wholeMatrices(size) : BenchedMethod.all
        var isWithinLimit = true
        let named = methods.filter { $0.name == only }
        for method in named.isEmpty ? methods : named
        where only.map({ method.name.contains($0) }) ?? true {
            let memory = try await measure(method, path, plain[false] ?? 0)
            isWithinLimit = isWithinLimit && memory <= PeakMemory.limit
        }
        if wholeMatrices, !isWithinLimit { throw ExitCode.failure }
    }

    /// Measures a method and prints its row; the most memory that it took.
    private func measure(_ method: BenchedMethod, _ path: String, _ plain: Double) async throws -> Int {
        let configuration = "\(path)/\(method.name).yml"
        let text = method.configuration(path)
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        var (flushed, written, theirs, processor): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        let memory = PeakMemory()
        defer { memory.stop() }
        for _ in 0..<rounds {
            for flushes in size.areMatrices ? [false] : [true, false] {
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
        let (time, peak) = (median(written), memory.value)
        var line = method.name.padding(toLength: 18, withPad: " ", startingAt: 0)
        let cells = [
            (flushed.isEmpty ? "–" : Self.format(median(flushed)), 10), (Self.format(time), 10),
            (Self.format(median(processor)), 10), (Self.format(time / plain), 10),
            ("\(peak / 1_000_000)", 12),
        ]
        let last = wholeMatrices ? try forecast(configuration) : besidePeer(theirs, time)
        for (value, width) in cells + last {
            line += String(repeating: " ", count: max(1, width - value.count)) + value
        }
        print(line + (wholeMatrices && peak > PeakMemory.limit ? "  more than 300 MB" : ""))
        return peak
    }

    private func besidePeer(_ theirs: [Double], _ time: Double) -> [(String, Int)] {
        if theirs.isEmpty { return [("–", 13), ("–", 9)] }
        return [(Self.format(median(theirs)), 13), (Self.format(median(theirs) / time), 9)]
    }

    /// What the plan says that a merge takes of the memory and of the disk.
    private func forecast(_ configuration: String) throws -> [(String, Int)] {
        let forecast = try MergeFile(path: configuration).stages[0].plan.forecast(threads: threads)
        return [
            ("\(forecast.peakByteCount / 1_000_000)", 13), ("\(forecast.scratchByteCount / 1_000_000)", 12),
        ]
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

    /// Of matrices alone none is too large to be merged whole.
    static func wholeMatrices(_ size: SyntheticSize) -> [BenchedMethod] {
        ["iso_c", "iso_cts", "tsv_m", "wudi"].map {
            BenchedMethod(
                name: $0,
                members: Array(size.names.dropFirst()),
                rest: "base_model: {base}\n"
                    + (size.areMatrices ? "parameters: {largest_matrix: 1000000000000}\n" : "")
            )
        }
    }

    func configuration(_ folder: String) -> String {
        var text = "models:\n"
        for member in members { text += "  - {model: \"\(folder)/\(member)\", parameters: {\(own)}}\n" }
        text += "merge_method: \(name)\n" + rest
        return text.replacingOccurrences(of: "{a}", with: "\"\(folder)/a\"")
            .replacingOccurrences(of: "{base}", with: "\"\(folder)/base\"")
    }
}
