import ArgumentParser
import Collab
import CollabBackends

/// Prints what is in a model file.
@main
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what is in a model file, and what the model makes of texts.",
        discussion: """
            MODEL is a GGUF file, a safetensors file, or a folder with model.safetensors or several of them. \
            The whole directory of the file is checked on the way; a file that is not what it claims to be is \
            named with the byte at which it is wrong, and the exit status is 1.

            --batch reads JSON Lines {"id", "prompt", "parseSpecial": bool, "greedy": N, "top": K} and writes a line \
            each: {"id", "ids", "top": [{"id", "logit"}…], "logsumexp", "greedyIDs", "greedyText"}.
            """
    )

    @Argument(help: "The model file or folder.")
    var model: String

    @Flag(help: "List every tensor, rather than one line for those that the layers have alike.")
    var all = false

    @Option(help: "Also verify that the file has this SHA-256.")
    var sha256: String?

    @Option(help: "Run the model on a file of prompts and write a JSON line for each.")
    var batch: String?

    @Option(help: "Print the model's perplexity on a text file.")
    var perplexity: String?

    @Flag(help: "Round activations to 8 bits, as models run by default: faster, and less exact.")
    var fast = false

    @Option(help: "How many threads compute; one a physical core if left out.")
    var threads: Int?

    func validate() throws {
        if batch != nil, perplexity != nil {
            throw ValidationError("Choose one of --batch and --perplexity.")
        }
    }

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
        if let batch {
            return try await Batch(model: try await load()).run(path: batch)
        }
        if let perplexity {
            let loaded = try await load()
            try await Perplexity(of: perplexity, model: loaded).add(
                to: &report,
                model: loaded.name,
                text: perplexity
            )
            return Terminal.print(report)
        }
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

    /// The model, ready to run.
    private func load() async throws(CollabError) -> NativeModel {
        let checkpoint: any Checkpoint =
            switch try ModelFile(path: model) {
            case .gguf(let file): try GGUFCheckpoint(file)
            case .safetensors(let checkpoint): checkpoint
            }
        let options = NativeOptions(threads: threads, precision: fast ? .integer : .float)
        return try await NativeModel(checkpoint: checkpoint, options: options)
    }
}
