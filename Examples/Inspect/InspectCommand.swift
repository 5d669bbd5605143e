import ArgumentParser
import Collab
import CollabBackends

/// Prints what is in a model file.
@main
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what is in a model file: metadata, tensors, vocabulary.",
        discussion: """
            MODEL is a GGUF file, a safetensors file, or a folder with model.safetensors or several of them. \
            The whole directory of the file is checked on the way; a file that is not what it claims to be is \
            named with the byte at which it is wrong, and the exit status is 1.
            """
    )

    @Argument(help: "The model file or folder.")
    var model: String

    @Flag(help: "List every tensor, rather than one line for those that the layers have alike.")
    var all = false

    @Option(help: "Also verify that the file has this SHA-256.")
    var sha256: String?

    func run() async throws {
        do {
            try await inspect()
        } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func inspect() async throws(CollabError) {
        if let sha256 { try MappedFile(path: model).verify(sha256: sha256) }
        var report = Report()
        switch try ModelFile(path: model) {
        case .gguf(let file):
            report.describe(file)
            report.describeMetadata(file.metadata)
            report.describeTensors(file.tensors.map(TensorLine.init), listingAll: all)
            try report.describeVocabulary(file.metadata)
        case .safetensors(let checkpoint):
            report.describe(checkpoint)
            report.describeTensors(
                checkpoint.files.flatMap { file in file.tensors.map(TensorLine.init) },
                listingAll: all
            )
        }
        Terminal.print(report)
    }
}
