import Collab
import CollabBackends
import CollabMerging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the program says.
enum Terminal {
    /// Writes to the standard error.
    static func complain(_ text: String) {
        var bytes = Array((text + "\n").utf8)
        write(STDERR_FILENO, &bytes, bytes.count)
    }

    static func fail(_ error: CollabError) { complain("merge: \(error)") }

    static func print(warnings: [String]) {
        for warning in warnings { complain("note: \(warning)") }
    }

    /// The plan: what is read, what is written, what it takes.
    static func print(_ plan: MergePlan) {
        let forecast = plan.forecast()
        Swift.print("method    \(plan.document.method)")
        for input in plan.inputs { Swift.print("input     \(input.name)") }
        Swift.print(
            "reads     \(size(plan.inputByteCount)), \(forecast.passes) time\(forecast.passes == 1 ? "" : "s")"
        )
        Swift.print(
            "writes    \(size(plan.byteCount)) in \(plan.tensors.count) tensors, \(plan.layerCount) layers"
        )
        for line in tensorLines(plan) { Swift.print("          \(line)") }
        Swift.print("memory    \(size(forecast.peakByteCount)) beside mapped pages")
        if forecast.scratchByteCount > 0 {
            Swift.print("scratch   \(size(forecast.scratchByteCount)) on the disk, in TMPDIR or /var/tmp")
        }
        Swift.print("time      about \(duration(forecast.seconds))")
    }

    /// The tensors; those of layers that are alike stand in one line.
    static func tensorLines(_ plan: MergePlan) -> [String] {
        struct Kind: Hashable {
            var module: TensorModule
            var isLayered: Bool
            var shape: [Int]
            var format: TensorFormat
        }
        var kinds: [Kind] = []
        var counts: [Kind: (count: Int, bytes: Int)] = [:]
        for tensor in plan.tensors {
            var module = TensorModule(tensor: tensor.name)
            let isLayered = module.layer != nil
            module.layer = nil
            let kind = Kind(module: module, isLayered: isLayered, shape: tensor.shape, format: tensor.format)
            if counts[kind] == nil { kinds.append(kind) }
            let known = counts[kind] ?? (0, 0)
            counts[kind] = (known.count + 1, known.bytes + tensor.storedByteCount)
        }
        return kinds.map { kind in
            let (count, bytes) = counts[kind] ?? (0, 0)
            let shape = kind.shape.map(String.init).joined(separator: " × ")
            let places = kind.isLayered ? " in \(count) layer\(count == 1 ? "" : "s")" : ""
            return "\(kind.module.name)  \(kind.format)  \(shape)\(places), \(size(bytes))"
        }
    }

    /// Runs a merge and shows how far it is.
    static func run(_ writer: MergeWriter) async throws(CollabError) {
        let bar = ProgressBar()
        let summary = try await Interruption.stopping { () async throws(CollabError) in
            try await writer.run { bar.show($0) }
        }
        bar.finish()
        print(summary)
    }

    static func print(_ summary: MergeSummary) {
        let progress = summary.progress
        let resumed = summary.resumedTensors > 0 ? ", \(summary.resumedTensors) of them from before" : ""
        Swift.print(
            "\(summary.folder): \(progress.tensors) tensors\(resumed), \(size(progress.bytes)) "
                + "in \(summary.files.count) file\(summary.files.count == 1 ? "" : "s") after \(duration(progress.seconds))"
        )
    }

    static func size(_ bytes: Int) -> String {
        var (value, unit) = (Double(bytes), 0)
        let units = ["B", "KB", "MB", "GB", "TB"]
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : "\(rounded(value)) \(units[unit])"
    }

    static func duration(_ seconds: Double) -> String {
        if seconds < 60 { return "\(rounded(seconds)) s" }
        let whole = Int(seconds)
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    private static func rounded(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// A line that shows how far a merge is: redrawn on a terminal, a new one every tenth elsewhere.
final class ProgressBar: Sendable {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let lastTenth = Protected(-1)

    func show(_ progress: MergeProgress) {
        let share = progress.totalBytes > 0 ? Double(progress.bytes) / Double(progress.totalBytes) : 1
        var line =
            "\(Int(share * 100)) %  \(Terminal.size(progress.bytes)) of \(Terminal.size(progress.totalBytes))"
        line += "  \(Terminal.size(Int(progress.rate)))/s"
        if let rest = progress.remainingSeconds, rest.isFinite { line += "  \(Terminal.duration(rest)) left" }
        if isTerminal {
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            var bytes = Array("\r\u{1B}[K\(bar) \(line)".utf8)
            write(STDERR_FILENO, &bytes, bytes.count)
        } else {
            let tenth = Int(share * 10)
            let isNew = lastTenth.withLock { last in
                defer { last = max(last, tenth) }
                return tenth > last
            }
            if isNew { Terminal.complain(line) }
        }
    }

    func finish() {
        guard isTerminal else { return }
        var bytes = Array("\r\u{1B}[K".utf8)
        write(STDERR_FILENO, &bytes, bytes.count)
    }
}
