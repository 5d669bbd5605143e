import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Measures a model on text, for merges by Fisher information or by regression.
struct MeasureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measures a model on text: Gram matrices of activations and diagonal Fisher information.",
        discussion: """
            Writes a safetensors file for the methods regmean (gram/NAME) and fisher (fisher/NAME), to be named as \
            “statistics” of a model in a configuration. The Fisher information is computed with a backward pass in \
            float32 over continuations drawn from the model itself.
            """
    )

    @Argument(help: "A folder or a GGUF file.")
    var model: String

    @Argument(help: "The file for the statistics.")
    var output: String

    @Option(help: "A file with text; give it once for each.")
    var text: [String]

    @Option(help: "Only these: \(ModelStatistics.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var only: String?

    @Option(help: "How many tokens are read at a time, as far as the model's context holds them.")
    var window = 256

    @Option(help: "At most so many tokens of all texts together.")
    var tokens = 32_768

    @Option(help: "Where the draws of continuations begin.")
    var seed: UInt64 = 0

    func validate() throws {
        if text.isEmpty { throw ValidationError("Give at least one --text FILE.") }
        if window < 2 || tokens < 2 { throw ValidationError("A text has at least two tokens.") }
        if let only, ModelStatistics.Kind(rawValue: only) == nil {
            throw ValidationError("There is nothing called “\(only)” to measure.")
        }
    }

    func run() async throws {
        do throws(CollabError) { try await measure() } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func measure() async throws(CollabError) {
        _ = try ReportFile(output)
        let checkpoint: any Checkpoint =
            model.hasSuffix(".gguf")
            ? try GGUFCheckpoint(path: model) : try SafetensorsCheckpoint(path: model)
        let window = try TokenWindows.length(window, for: checkpoint)
        let texts = try await windows(of: window)
        let kinds = Set(ModelStatistics.Kind.allCases.filter { only == nil || only == $0.rawValue })
        let seed = seed
        let statistics = try await Interruption.stopping { () async throws(CollabError) in
            try await ModelStatistics.measure(checkpoint, on: texts, kinds: kinds, seed: seed) {
                kind,
                count in
                if count % 16 == 0 || count == texts.count {
                    Terminal.complain("\(kind.rawValue): \(count) of \(texts.count) texts")
                }
            }
        }
        let count = texts.reduce(0) { $0 + $1.count }
        try statistics.save(
            to: output,
            metadata: [
                "model": model, "texts": text.joined(separator: ", "), "tokens": String(count),
                "window": String(window), "seed": String(seed),
            ]
        )
        print("\(output): \(statistics.tensors.tensors.count) tensors, of \(count) tokens")
    }

    /// The texts in pieces, cut at tokens.
    private func windows(of window: Int) async throws(CollabError) -> [[TokenID]] {
        let tokenizer: any ModelTokenizer =
            model.hasSuffix(".gguf")
            ? try GGUFFile(path: model).metadata.makeTokenizer()
            : try ModelFolder(path: model).makeTokenizer()
        var (windows, left): ([[TokenID]], Int) = ([], tokens)
        for path in text {
            let file = try MappedFile(path: path)
            guard let content = String(validating: file.bytes, as: UTF8.self) else {
                throw CollabError(.malformedFile, "\(path) is not UTF-8.")
            }
            var rest = try tokenizer.encode(content, parsingSpecialTokens: false)[...]
            while rest.count > 1, left > 1 {
                let piece = rest.prefix(min(window, left))
                rest = rest.dropFirst(piece.count)
                left -= piece.count
                if piece.count > 1 { windows.append(Array(piece)) }
            }
        }
        return windows
    }
}
