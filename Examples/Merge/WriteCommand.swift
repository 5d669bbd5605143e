import ArgumentParser
import Collab
import CollabMerging

/// Writes the result of a configuration.
struct WriteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Writes the merge; the default.",
        discussion: """
            Paths in CONFIGURATION are relative to the current folder. Everything is checked from the headers of the \
            files before anything is computed. A run that was interrupted is gone on with when the same command is \
            given again.
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

    @Flag(help: "Let NaN and infinity in weights pass; otherwise they are errors that name the tensor.")
    var allowNan = false

    @Flag(help: "Note the SHA-256 of every whole input file in the card, rather than of header and samples.")
    var hash = false

    func validate() throws {
        if !plan, output == nil {
            throw ValidationError("Name the folder for the result, or ask for --plan.")
        }
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
        for stage in file.stages { Terminal.print(warnings: stage.plan.warnings) }
        guard !plan, let output else {
            for stage in file.stages { Terminal.print(stage.plan) }
            return
        }
        for stage in file.stages {
            let folder =
                file.stages.count == 1 ? output : output + "/" + (stage.plan.document.name ?? "merge")
            let options = MergeOptions(
                shardByteCount: shardSize,
                threads: threads,
                replacesFolder: replace,
                resumes: !fresh,
                hashesInputs: hash
            )
            let writer = MergeWriter(stage.plan, to: folder, configuration: file.text, options: options)
            let bar = ProgressBar()
            let summary = try await Interruption.stopping { () async throws(CollabError) in
                try await writer.run { bar.show($0) }
            }
            bar.finish()
            Terminal.print(summary)
        }
    }
}
