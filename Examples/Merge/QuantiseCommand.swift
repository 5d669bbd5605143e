import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Writes one model in another format.
struct QuantiseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantise",
        abstract: "Writes a model as GGUF, quantised or not.",
        discussion: """
            Reads a folder in Hugging Face's layout or a GGUF file and writes OUTPUT/model.gguf with the tokenizer in it. \
            Tensors that are stored as KIND asks for already are copied byte by byte.
            """
    )

    @Argument(help: "A folder or a GGUF file.")
    var model: String

    @Argument(help: "The folder for the result.")
    var output: String

    @Option(help: "One of \(GGUFQuantisation.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind = "q8_0"

    @Flag(help: "Replace the folder if it is there.")
    var replace = false

    @Option(help: "How many threads compute; one a physical core if left out.")
    var threads: Int?

    func validate() throws {
        if GGUFQuantisation(named: kind) == nil { throw ValidationError("There is no kind “\(kind)”.") }
    }

    func run() async throws {
        do throws(CollabError) { try await write() } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func write() async throws(CollabError) {
        let path = JSONValue.string(model).encoded()
        let text = "models: [{model: \(String(decoding: path, as: UTF8.self))}]\nmerge_method: passthrough\n"
        let file = try MergeFile(yaml: text, source: "merge quantise")
        guard let plan = file.stages.first?.plan else { return }
        let options = MergeOptions(threads: threads, replacesFolder: replace)
        let stored = try plan.stored(as: .gguf(GGUFQuantisation(named: kind) ?? .q8_0))
        try await Terminal.run(MergeWriter(stored, to: output, configuration: file.text, options: options))
    }
}
