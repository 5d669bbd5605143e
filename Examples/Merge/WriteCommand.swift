import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Writes the result of a configuration.
struct WriteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Writes the merge; the default.",
        discussion: """
            Paths in CONFIGURATION are relative to the current folder. Everything is checked from the headers of the \
            files before anything is computed. A run that was interrupted is gone on with when the same command is \
            given again; of several documents those that are finished stay as they are.
            """
    )

    @Argument(help: "The configuration.")
    var configuration: String

    @Argument(help: "The folder for the result; not needed with --plan.")
    var output: String?

    @Flag(help: "Only show what would be done: tensors, bytes, memory, time.")
    var plan = false

    @Flag(help: "Replace the folder if it is there; the old one goes when the new one is complete.")
    var replace = false

    @Flag(help: "Begin anew rather than go on with an interrupted run.")
    var fresh = false

    @Option(help: "How many threads compute; one a physical core if left out.")
    var threads: Int?

    @Option(help: "The most bytes of weights in a file.")
    var shardSize = 5_000_000_000

    @Option(help: "Where the random numbers of DARE and DELLA begin.")
    var seed: UInt64 = 0

    @Option(
        help: """
            safetensors, or gguf:KIND with one of \(GGUFQuantisation.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )
    var format = "safetensors"

    @Flag(help: "Let NaN and infinity in weights pass; otherwise they are errors that name the tensor.")
    var allowNan = false

    @Flag(help: "Note the SHA-256 of every whole input file in the card, rather than of header and samples.")
    var hash = false

    @Flag(help: "Leave flushing the result to the system; a power cut may damage it until then.")
    var noFlush = false

    func validate() throws {
        if !plan, output == nil {
            throw ValidationError("Name the folder for the result, or ask for --plan.")
        }
        if MergeFormat(format) == nil { throw ValidationError("There is no format “\(format)”.") }
        if shardSize < 1 { throw ValidationError("A file cannot have \(shardSize) bytes.") }
    }

    func run() async throws {
        do throws(CollabError) {
            try await merge()
        } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func merge() async throws(CollabError) {
        let file = try MergeFile(path: configuration, seed: seed, requiringFinite: !allowNan)
        var plans: [MergePlan] = []
        for stage in file.stages {
            Terminal.print(warnings: stage.plan.warnings)
            plans.append(try stage.plan.stored(as: MergeFormat(format) ?? .safetensors))
        }
        guard !plan, let output else {
            for plan in plans { Terminal.print(plan) }
            return
        }
        let options = MergeOptions(
            shardByteCount: shardSize,
            threads: threads,
            replacesFolder: replace,
            resumes: !fresh,
            hashesInputs: hash,
            flushes: !noFlush
        )
        var writers: [MergeWriter] = []
        for (stage, plan) in zip(file.stages, plans) {
            let folder = plans.count == 1 ? output : output + "/" + stage.folderName
            let writer = MergeWriter(plan, to: folder, configuration: file.text, options: options)
            if !fresh, try isFinished(writer, amongSeveral: plans.count > 1) {
                print("\(folder): finished before")
            } else {
                writers.append(writer)
            }
        }
        // The last one's folder is looked at before the first one's weights.
        for writer in writers { try writer.check() }
        for writer in writers { try await Terminal.run(writer) }
    }

    /// Whether an interrupted run of the command has finished a merge, so that it is left as it is.
    ///
    /// A merge on its own is finished so only if the run was killed at its very end, with traces of it left: who repeats a
    /// command that was complete is told that the folder is there.
    private func isFinished(_ writer: MergeWriter, amongSeveral: Bool) throws(CollabError) -> Bool {
        if try writer.concludeEarlierRun() { return true }
        return amongSeveral ? try writer.isFinished() : false
    }
}
