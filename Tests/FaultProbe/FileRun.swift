import Collab
import Foundation

/// Opens one file after another and reports on each.
///
/// A line of the list is a kind, a tab and a path. Before a file is opened, `begin` and its number are printed, and
/// afterwards, separated by tabs, `end`, the number, `accept`, `reject` (opening threw) or `fail` (using it threw),
/// the error's code, the milliseconds of processor time, the bytes by which the resident memory grew at its peak, and
/// the error's message on one line.
///
/// A file that traps, aborts or faults ends the process between the two, as does one that takes longer than two
/// seconds of processor time (SIGPROF) or half a minute (SIGALRM), or allocates more, touched or not, than the file's
/// size and 64 MiB (RLIMIT_DATA, on Linux: memory is then short, which no one can go on from). The number tells
/// where to go on. `COLLAB_FAULT_PATIENCE` multiplies the times and lifts the limit of memory, for sanitised builds.
struct FileRun {
    private let lines: [(kind: FileKind, path: String)]
    private let patience = ProcessInfo.processInfo.environment["COLLAB_FAULT_PATIENCE"].flatMap { Int($0) }

    init(list: String) {
        let text = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
        lines = text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "\t", maxSplits: 1).map { String($0) }
            guard parts.count == 2, let kind = FileKind(rawValue: parts[0]) else { return nil }
            return (kind, parts[1])
        }
    }

    func run(from first: Int) async {
        // What is made once a process is not the files' doing.
        await FileKind.warmUp()
        for (index, line) in lines.enumerated().dropFirst(first) {
            print("begin", index, separator: "\t")
            fflush(nil)
            let meter = ProcessMeter(path: line.path, patience: patience)
            let outcome = await line.kind.open(line.path)
            let (milliseconds, bytes) = meter.stop()
            let (verdict, error) = outcome.report
            let message = (error?.message ?? "").split(whereSeparator: \.isNewline).joined(separator: " ⏎ ")
            print(
                "end",
                index,
                verdict,
                error.map { "\($0.code)" } ?? "",
                milliseconds,
                bytes,
                message,
                separator: "\t"
            )
            fflush(nil)
        }
    }
}
